"""Texts that try to run as code: each names a call that a page must never make."""

RUN = "window.__xss=1"
CALL = "alert(1)"
SVG = "http://www.w3.org/2000/svg"
EVENTS = [
    "onload",
    "onerror",
    "onclick",
    "ondblclick",
    "onmouseover",
    "onmouseenter",
    "onmousemove",
    "onfocus",
    "onfocusin",
    "onblur",
    "onkeydown",
    "onpointerenter",
    "onpointerover",
    "onanimationstart",
    "ontransitionend",
    "ontoggle",
    "onbeforetoggle",
    "onscroll",
    "onwheel",
    "oncopy",
    "onpaste",
    "oncut",
    "ondrag",
    "oninput",
    "onchange",
    "onsubmit",
    "onreset",
    "oninvalid",
    "onselect",
    "oncontextmenu",
    "onresize",
    "onhashchange",
    "onpageshow",
    "onpopstate",
    "oncanplay",
    "onloadstart",
    "ondurationchange",
    "onauxclick",
    "onsearch",
    "onbegin",
]
SCHEMES = (
    f"javascript:{CALL}",
    f"JaVaScRiPt:{CALL}",
    f" javascript:{CALL}",
    f"java\tscript:{CALL}",
    f"java\nscript:{CALL}",
    f"\x01javascript:{CALL}",
    f"javascript&colon;{CALL}",
    f"&#106;avascript:{CALL}",
    f"&#x6A;avascript:{CALL}",
    f"&#0000106avascript:{CALL}",
    f"java&Tab;script:{CALL}",
    f"java&NewLine;script:{CALL}",
    f"javascript://status.example/%0A{CALL}",
    f"javascript:/*--></title></style></textarea></script><svg/onload={CALL}>*/{CALL}",
    f"vbscript:{CALL}",
    f"data:text/html,<script>{CALL}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{CALL}'/>",
    f"blob:{CALL}",
    f"view-source:javascript:{CALL}",
    f"feed:javascript:{CALL}",
    f"jar:javascript:{CALL}!/",
    "file:///etc/passwd",
)
RAW = f"""
<script>{RUN}</script>
<script src=data:,{RUN}></script>
<SCRIPT>{RUN}</SCRIPT >
<script/x>{RUN}</script>
<script type=module>{RUN}</script>
<scr<script>ipt>{RUN}</scr</script>ipt>
<<script>{RUN}//<</script>
</script><script>{RUN}</script>
</title><script>{RUN}</script>
</textarea><script>{RUN}</script>
</style><script>{RUN}</script>
</pre></code><script>{RUN}</script>
</option></select><script>{RUN}</script>
</template><script>{RUN}</script>
--><script>{RUN}</script><!--
<!--><script>{RUN}</script>-->
<!--<img src="--><img src=x onerror={RUN}//">
<![CDATA[<script>{RUN}</script>]]>
]]><script>{RUN}</script><![CDATA[
<![if IE]><script>{RUN}</script><![endif]>
<?xml version="1.0"?><script xmlns="http://www.w3.org/1999/xhtml">{RUN}</script>
<?php echo 1 ?><script>{RUN}</script>
<!DOCTYPE x [<!ENTITY e "<script>{RUN}</script>">]>&e;
<img src=x onerror={CALL}>
<img src=x onerror="{CALL}"
<img/src=x/onerror={CALL}>
<img src=`x` onerror={CALL}>
<img src=x:alert(alt) onerror=eval(src) alt=1>
<img srcset=x onerror={CALL}>
<image href=x onerror={CALL}>
<img onerror="location='javascript:{CALL}'" src=x>
" onmouseover="{CALL}
' onmouseover='{CALL}
" autofocus onfocus="{CALL}" x="
' autofocus onfocus={CALL} x='
"><svg onload={CALL}>
'><svg onload={CALL}>
` onmouseover=`{CALL}
x" style="animation-name:x" onanimationstart="{CALL}
<svg onload={CALL}>
<svg/onload={CALL}//
<svg><script>{RUN}</script></svg>
<svg><script href=data:,{RUN} />
<svg><a xlink:href="javascript:{CALL}"><text y=20>x</text></a></svg>
<svg><animate onbegin={CALL} attributeName=x dur=1s>
<svg><set onbegin={CALL} attributeName=x dur=1s>
<svg><a><animate attributeName=href values=javascript:{CALL} /><text y=20>x</text></a>
<svg><use href="data:image/svg+xml,<svg id='x' xmlns='{SVG}'><a href='javascript:{CALL}'/></svg>#x">
<svg><foreignObject><iframe srcdoc="<script>parent.{RUN}</script>"></iframe></foreignObject></svg>
<svg><style><img src=x onerror={CALL}></style>
<svg><desc><img src=x onerror={CALL}></desc></svg>
<svg><title><script>{RUN}</script></title></svg>
<svg></p><style><a id="</style><img src=1 onerror={CALL}>">
<math><mtext><table><mglyph><style><img src=x onerror={CALL}></style></mglyph></table></mtext></math>
<math href="javascript:{CALL}">x</math>
<math><maction actiontype="statusline#http://x" xlink:href="javascript:{CALL}">x</maction></math>
<math><annotation-xml encoding="text/html"><script>{RUN}</script></annotation-xml></math>
<math><mi//xlink:href="data:x,<script>{RUN}</script>">
<form><math><mtext></form><form><mglyph><style></math><img src onerror={CALL}>
<noscript><p title="</noscript><img src=x onerror={CALL}>">
<listing>&lt;img src=x onerror={CALL}&gt;</listing>
<xmp><img src=x onerror={CALL}></xmp>
<plaintext><img src=x onerror={CALL}>
<noembed><img src=x onerror={CALL}></noembed>
<template><script>{RUN}</script></template>
<template shadowrootmode=open><script>{RUN}</script></template>
<iframe src="javascript:parent.{CALL}"></iframe>
<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>
<iframe srcdoc="&lt;script&gt;parent.{RUN}&lt;/script&gt;"></iframe>
<iframe onload={CALL}></iframe>
<frameset onload={CALL}>
<object data="javascript:{CALL}"></object>
<object data="data:text/html,<script>parent.{RUN}</script>"></object>
<embed src="javascript:{CALL}">
<embed src="data:text/html,<script>{RUN}</script>">
<applet code="javascript:{CALL}">
<portal src="javascript:{CALL}">
<base href="javascript:{CALL}//">
<base href="https://evil.example/">
<meta http-equiv=refresh content="0;url=javascript:{CALL}">
<meta http-equiv=refresh content="0;url=data:text/html,<script>{CALL}</script>">
<meta http-equiv=Set-Cookie content="session=evil">
<link rel=stylesheet href="data:text/css,body{{display:none}}">
<link rel=import href="data:text/html,<script>{RUN}</script>">
<link rel=modulepreload onerror={CALL} href=x>
<style>@import 'javascript:{CALL}';</style>
<style>body{{background:url("javascript:{CALL}")}}</style>
<style onload={CALL}></style>
<div style="background:url(javascript:{CALL})">
<div style="width:expression({CALL})">
<div style="-moz-binding:url(data:text/xml,{CALL})">
<form action="javascript:{CALL}"><button>x</button></form>
<form><button formaction="javascript:{CALL}">x</button></form>
<form id=x></form><button form=x formaction="javascript:{CALL}">x</button>
<input type=image src=x formaction="javascript:{CALL}" onerror={CALL}>
<input autofocus onfocus={CALL}>
<select autofocus onfocus={CALL}>
<textarea autofocus onfocus={CALL}>
<keygen autofocus onfocus={CALL}>
<isindex type=image src=1 onerror={CALL}>
<button popovertarget=x>x</button><div id=x popover onbeforetoggle={CALL}>
<video src=x onerror={CALL}></video>
<video><source onerror={CALL}></video>
<video poster="javascript:{CALL}"></video>
<audio src=x onerror={CALL}></audio>
<track onerror={CALL}>
<marquee onstart={CALL}>x</marquee>
<details open ontoggle={CALL}>x</details>
<dialog open onclose={CALL}><form method=dialog><button>x</button></form></dialog>
<body onload={CALL}>
<body background="javascript:{CALL}">
<html onmousemove={CALL}>
<table background="javascript:{CALL}"><tr><td onmouseover={CALL}>x</table>
<a href="javascript:{CALL}">x</a>
<a href=" &#14; javascript:{CALL}">x</a>
<a ping="javascript:{CALL}" href=x>x</a>
<a href="https://ok.example" onclick={CALL}>x</a>
<a href=x style=position:fixed;inset:0 onmouseover={CALL}>x</a>
<x onclick={CALL} tabindex=1 id=x>x</x><a href=#x>x</a>
<custom-tag contenteditable autofocus onfocus={CALL}>x
<area href="javascript:{CALL}" shape=default>
<p is=x-y onmouseover={CALL}>x</p>
<div hx-get="/console/" hx-on:load="{CALL}" hx-trigger="load">x</div>
<div hx-on::after-request="{CALL}" hx-get="/" hx-trigger="load">x</div>
<div data-hx-on-load="{CALL}" data-hx-get="/" data-hx-trigger="load[{RUN}]">x</div>
<div hx-vals="js:{{x:{CALL}}}" hx-get="/" hx-trigger="load">x</div>
<div data-region id=banner><script>{RUN}</script></div>
&lt;script&gt;{RUN}&lt;/script&gt;
&amp;lt;script&amp;gt;{RUN}&amp;lt;/script&amp;gt;
&#60;script&#62;{RUN}&#60;/script&#62;
&#x3c;img src=x onerror={CALL}&#x3e;
%3Cscript%3E{RUN}%3C/script%3E
\\u003cscript\\u003e{RUN}\\u003c/script\\u003e
\\x3cscript\\x3e{RUN}\\x3c/script\\x3e
\uff1cscript\uff1e{RUN}\uff1c/script\uff1e
+ADw-script+AD4-{RUN}+ADw-/script+AD4-
<\u017fcript>{RUN}</\u017fcript>
<scr\u0131pt>{RUN}</scr\u0131pt>
\u202e<script>{RUN}</script>
\ufeff<script>{RUN}</script>
<\u200bscript>{RUN}</script>
<img src=x on\u200berror={CALL}>
\u2028<script>{RUN}</script>\u2029
{{{{ constructor.constructor('{CALL}')() }}}}
{{% load static %}}{{{{ request }}}}<script>{RUN}</script>
${{{CALL}}}
#{{{CALL}}}
<%= {CALL} %>
[[{CALL}]]
{{what works}}<script>{RUN}</script>
{{component|<img src=x onerror={CALL}>}}
";{RUN};//
';{RUN};//
\\";{RUN};//
`;{RUN};//
}}}};{RUN};//
"}}]}}</script><script>{RUN}</script>
"}},"x":"<img src=x onerror={CALL}>
</script\u2028><svg onload={CALL}>
</title></channel></rss><script xmlns="http://www.w3.org/1999/xhtml">{RUN}</script>
</summary></entry><entry><title>x</title><link href="javascript:{CALL}"/></entry>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><script>{RUN}</script></div></content>
]]></description><script>{RUN}</script>
<enclosure url="javascript:{CALL}" type="text/html"/>
=HYPERLINK("javascript:{CALL}","x")
=cmd|' /C calc'!A0
DESCRIPTION:x ATTACH:javascript:{CALL}
""".strip().split("\n")
MARKDOWN = [
    *(f"[{n}]({scheme})" for n, scheme in enumerate(SCHEMES)),
    *(f"[{n}](<{scheme}>)" for n, scheme in enumerate(SCHEMES)),
    *(f"![{n}]({scheme})" for n, scheme in enumerate(SCHEMES)),
    *(f"<{scheme}>" for scheme in SCHEMES),
    *(f"[r{n}]\n\n[r{n}]: {scheme}" for n, scheme in enumerate(SCHEMES)),
    f'[t](https://ok.example "x\\" onmouseover=\\"{CALL}")',
    f"[t](https://ok.example 'x\" onmouseover={CALL} x=\"')",
    f'[t](https://ok.example/"onmouseover="{CALL})',
    f"[t](https://ok.example/<svg/onload={CALL}>)",
    f"![x\" onerror=\"{CALL}](https://ok.example/x.png)",
    f"[<img src=x onerror={CALL}>](https://ok.example)",
    f"[![x](javascript:{CALL})](javascript:{CALL})",
    f"<https://ok.example/?\"onmouseover=\"{CALL}>",
    f"`<script>{RUN}</script>`",
    f"```html\" onmouseover=\"{CALL}\n<script>{RUN}</script>\n```",
    f"~~~ x' onclick='{CALL}\n</code></pre><script>{RUN}</script>\n~~~",
    f"    </code></pre><script>{RUN}</script>",
    f"| a | b |\n|---|---|\n| <script>{RUN}</script> | [x](javascript:{CALL}) |",
    f"> <script>\n> {RUN}\n> </script>",
    f"# </h1><script>{RUN}</script>",
    f"~~<svg onload={CALL}>~~ **<svg onload={CALL}>**",
    f"<script\n>{RUN}</script\n>",
    f"<div>\n\n<script>{RUN}</script>\n\n</div>",
    f"<!-- -- --><script>{RUN}</script>",
    f"\\<script>{RUN}\\</script>",
]  # fmt: skip
PAYLOADS = [
    *RAW,
    *(f'<p tabindex=0 {event}="{CALL}">{event}</p>' for event in EVENTS),
    *(f'<a href="{scheme}">{n}</a>' for n, scheme in enumerate(SCHEMES)),
    *MARKDOWN,
]
ALL = "\n\n".join(PAYLOADS)


def packed(longest: int) -> list[str]:
    """All that fit, several together where there is room."""
    rows = [""]
    for one in (" ".join(payload.split("\n")) for payload in PAYLOADS):
        if len(one) > longest:
            continue
        if len(rows[-1]) + len(one) + 1 > longest:
            rows.append("")
        rows[-1] = f"{rows[-1]} {one}".strip()
    return rows
