// The public page, alive: times in the reader's zone, news without a reload, grey by itself.
// Everything is found by data- attributes; all words come from the HTML.

const body = document.body
const all = (where, root = document) => [...root.querySelectorAll(where)]
const one = (where, root = document) => root.querySelector(where)
const at = (text) => (text ? Date.parse(text) : NaN)
const memory = { get: (k) => { try { return localStorage.getItem(k) } catch { return null } }, set: (k, v) => { try { localStorage.setItem(k, v) } catch {} } }

// Times: the reader's own zone, or UTC when asked for
const own = Intl.DateTimeFormat().resolvedOptions().timeZone
const zone = () => (memory.get('zone') === 'UTC' ? 'UTC' : own)
const hm = { hour: '2-digit', minute: '2-digit' }, forms = { time: hm, clock: hm, seconds: { ...hm, second: '2-digit' }, exact: { ...hm, second: '2-digit' }, day: { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }, date: { day: 'numeric', month: 'short', ...hm }, month: { day: 'numeric', month: 'short' }, year: { day: 'numeric', month: 'short', year: 'numeric', ...hm } }
const day = (t) => new Intl.DateTimeFormat('en-CA', { timeZone: zone(), dateStyle: 'short' }).format(t)
function clock(ms, form = 'time') {
  const parts = { ...forms[form], ...(/time|seconds/.test(form) && day(ms) !== day(Date.now()) ? { day: 'numeric', month: 'short' } : {}) }
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone(), hourCycle: 'h23', ...parts }).format(ms).replace(/^(\D+),/, '$1') + (zone() === 'UTC' && form !== 'day' ? ' UTC' : '')
}
function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60)
  return s < 60 ? `${s} s` : m < 60 ? `${m} min` : (h < 24 ? `${h} h ${m % 60} min` : `${Math.floor(h / 24)} d ${h % 24} h`).replace(/ 0 .*/, '')
}
function tellTimes() {
  all('[data-form]').forEach((t) => {
    const d = t.dataset, ms = at(t.dateTime || d.at)
    const said = d.said || (d.since && day(at(d.since)))
    const text = clock(ms, said && d.form === 'clock' && day(ms) !== said ? 'date' : d.form)
    t.textContent = d.bare === undefined ? text : text.replace(' UTC', '')
  })
  all('[data-zone], [data-zone-name]').forEach((e) => { e.textContent = zone() })
  const other = one('[data-zone-switch]')
  if (own !== 'UTC') { other.hidden = false; other.textContent = `Show ${zone() === 'UTC' ? own : 'UTC'}` }
}
function tellAges() {
  all('[data-due]').forEach((e) => { if (Date.now() > at(e.dataset.due)) { e.dataset.missed = ''; one('[data-word]', e).textContent = e.dataset.overdue } })
  all('[data-length]').forEach((e) => { e.textContent = span(Date.now() - at(e.dataset.length)) })
  all('[data-age]').forEach((a) => { const ms = Date.now() - at(a.dataset.age); a.textContent = ms < 86400000 ? `${span(ms)} ago` : '' })
}
one('[data-zone-switch]').onclick = () => { memory.set('zone', zone() === 'UTC' ? own : 'UTC'); tellTimes() }

// Theme
function paint(theme) { theme ? (document.documentElement.dataset.theme = theme) : delete document.documentElement.dataset.theme }
paint(memory.get('theme'))
one('[data-themes]').hidden = false
all('[data-themes] input').forEach((i) => {
  i.checked = i.value === (memory.get('theme') || '')
  i.onchange = () => { memory.set('theme', i.value); paint(i.value) }
})

// Freshness: late, then unknown, by the age of the newest check; never by the age of this page
let lost = 0
function judge() {
  const now = Date.now(), d = body.dataset, line = one('#fresh')
  if (!line) return
  const step = !d.stale ? 'none' : now >= at(d.stale) ? 'stale' : now >= at(d.late) ? 'late' : 'current'
  const word = one('[data-fresh-word]', line)
  if (word) word.textContent = line.dataset[lost ? 'lost' : step]
  line.dataset.step = lost ? 'late' : step
  if (step === 'stale') turnGrey()
}
function turnGrey() {
  const banner = one('#banner')
  if (!banner || body.dataset.grey || one('.incident')) return
  body.dataset.grey = '1'
  const wasUnknown = banner.dataset.status === 'unknown'
  all('.row[data-status], #banner').forEach((r) => {
    if (r.dataset.status === 'unknown') return
    r.dataset.status = 'unknown'
    all('[data-status]', r).filter((e) => !e.closest('.strip')).forEach((e) => { e.dataset.status = 'unknown' })
    all('use', r).forEach((u) => u.setAttribute('href', '#i-unknown'))
    const state = one('.state b', r)
    if (state) state.insertAdjacentElement('afterend', Object.assign(document.createElement('small'), { textContent: `${state.textContent.toLowerCase()} at ${clock(at(body.dataset.checked))}` }))
    if (state) state.textContent = body.dataset.unknown
  })
  if (wasUnknown) return
  one('h1', banner).textContent = banner.dataset.staleHeadline
  all('.banner__line, .facts', banner).forEach((e) => e.remove())
  one('h1', banner).insertAdjacentHTML('afterend', '<p class="banner__line"></p>')
  one('.banner__line', banner).textContent = `${banner.dataset.staleLine} ${clock(at(body.dataset.checked))}.`
  document.title = `${body.dataset.unknown}: ${one('.brand').dataset.name}`
}
// An old copy comes with the time of the newest check: it is judged by that, and asks for a newer one
const newest = (timing) => { const ms = +(/checked;dur=(\d+)/.exec(timing || '') || [])[1]; if (ms) heard(new Date(ms).toISOString()) }
let again
function outgrow() { clearTimeout(again); if (lost || one('#fresh[data-old]')) again = setTimeout(fetchNews, 8000 + Math.random() * 4000) }
function heard(checked) {
  const d = body.dataset
  if (!d.checked || !(at(checked) > at(d.checked))) return
  const move = at(checked) - at(d.checked)
  ;['late', 'stale'].forEach((k) => { d[k] = new Date(at(d[k]) + move).toISOString() })
  d.checked = checked
  all('#fresh:not([data-old]) time, #fresh:not([data-old]) [data-age]').forEach((e) => { e.dateTime !== undefined ? (e.dateTime = checked) : (e.dataset.age = checked) })
  if (d.grey) fetchNews()
  tellTimes(); tellAges(); judge()
}

// News: fetch the page again, swap only what changed, never what is in use
let asked = 0
const inUse = (e) => e.contains(document.activeElement) && document.activeElement !== body || one('.pop', e) || all('[type=email]', e).some((i) => i.value) || (getSelection().type === 'Range' && e.contains(getSelection().anchorNode))
async function fetchNews() {
  const mine = ++asked
  try {
    const answer = await fetch(location.pathname, { cache: 'no-cache', signal: AbortSignal.timeout(15000) })
    if (!answer.ok) throw new Error(answer.status)
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    if (mine !== asked || !page.body.dataset.version) return
    lost = 0
    swap(page, answer.headers.get('server-timing'))
  } catch { lost = 1; judge(); outgrow() }
}
const raw = new Map(all('[data-region]').map((e) => [e.id, e.outerHTML]))
function swap(page, timing) {
  const news = page.body.dataset.version !== body.dataset.version, wasGrey = body.dataset.grey
  for (const fresh of all('[data-region]', page)) {
    const old = document.getElementById(fresh.id), text = fresh.outerHTML
    if (!old || (raw.get(fresh.id) === text && !wasGrey)) continue
    if (inUse(old)) { setTimeout(fetchNews, 5000); continue }
    all('details[id]', old).forEach((d) => { const next = fresh.querySelector(`#${d.id}`); if (next) next.open = d.open || next.open && !old.querySelector(`#${d.id}[data-shut]`) })
    const top = old.getBoundingClientRect(), above = top.bottom < 0
    raw.set(fresh.id, text)
    old.replaceWith(fresh)
    if (above) scrollBy(0, fresh.getBoundingClientRect().height - top.height)
    else if (news && fresh.id === 'banner' && top.bottom < 40) one('[data-news]').hidden = false
  }
  if (news && scrollY > 400) { const n = one('[data-news]'); n.hidden = false; n.onclick = () => { n.hidden = true } }
  Object.keys(body.dataset).forEach((k) => delete body.dataset[k])
  Object.assign(body.dataset, page.body.dataset)
  newest(timing) // before anything is judged by the copy's own check
  document.title = page.title
  one('link[rel=icon]').href = one('link[rel=icon]', page).href
  dress()
}

// The stream: one token per change; asking every 30 s when there is none
let stream, poll
function listen() {
  stream?.close()
  stream = new EventSource('/live')
  stream.onopen = () => { clearInterval(poll); poll = 0; if (lost) fetchNews() }
  stream.onmessage = (e) => { if (e.data !== body.dataset.version) setTimeout(fetchNews, Math.random() * 2000) }
  stream.addEventListener('age', (e) => heard(e.data))
  stream.onerror = () => {
    poll ||= setInterval(() => document.hidden || fetchNews(), 30000)
    if (!navigator.onLine) { lost = 1; judge() } else setTimeout(() => poll && fetchNews(), Math.random() * 2000)
    if (stream.readyState === 2) setTimeout(listen, 10000 + Math.random() * 10000)
  }
}
addEventListener('online', fetchNews)
addEventListener('offline', () => { lost = 1; judge() })
document.addEventListener('visibilitychange', () => { if (!document.hidden && Date.now() - at(body.dataset.rendered) > 20000) fetchNews() })

// Strips: one focus stop, arrows by day; each day opens, by pointer, key and touch
const make = (tag, props, ...inside) => { const e = Object.assign(document.createElement(tag), props); e.append(...inside); return e }
function dressStrip(link) {
  const strip = make('div', { className: 'strip', tabIndex: 0 }, ...link.childNodes), box = link.parentNode, words = body.dataset
  strip.setAttribute('aria-label', link.getAttribute('aria-label'))
  Object.assign(strip.dataset, link.dataset)
  link.replaceWith(strip)
  const days = +strip.dataset.count
  const told = new Map(strip.dataset.strip.split('\n').filter(Boolean).map((l) => l.split('|')).map(([back, ...rest]) => [+back, rest]))
  let back = 0
  const text = make('div', {}), step = (label, sign, by) => make('button', { type: 'button', ariaLabel: label, textContent: sign, onclick: () => show(back + by) })
  const pop = make('div', { className: 'pop' }, step(words.before, '‹', 1), text, step(words.next, '›', -1))
  const show = (to) => {
    back = Math.min(days - 1, Math.max(0, to))
    const [label, up, title, href] = told.get(back) || [`${new Intl.DateTimeFormat('en-GB', { dateStyle: 'full' }).format(Date.now() - back * 86400000)}: ${words.quiet}`]
    const all = up ? `${label}, ${up}` : label
    text.replaceChildren(all, ...(href ? [make('a', { href, textContent: title })] : []))
    strip.setAttribute('aria-valuetext', all)
    strip.setAttribute('aria-valuenow', days - back)
    pop.isConnected || box.append(pop)
  }
  const hide = () => pop.remove(), held = () => box.contains(document.activeElement)
  const near = (e) => { const r = strip.getBoundingClientRect(); show(Math.floor((r.right - e.clientX) / r.width * days)) }
  Object.entries({ role: 'slider', 'aria-valuemin': 1, 'aria-valuemax': days, 'aria-valuenow': days, 'aria-valuetext': '' }).forEach(([k, v]) => strip.setAttribute(k, v))
  const moves = { ArrowLeft: 1, ArrowDown: 1, ArrowRight: -1, ArrowUp: -1, PageUp: 7, PageDown: -7, Home: days, End: -days }
  strip.onkeydown = (e) => { if (e.key in moves) { e.preventDefault(); show(back + moves[e.key]) } else if (e.key === 'Escape') hide() }
  strip.onfocus = () => strip.matches(':focus-visible') && show(back)
  strip.onclick = (e) => { if (e.detail) { e.preventDefault(); near(e) } }
  strip.onpointermove = (e) => e.pointerType === 'mouse' && near(e)
  box.onpointerleave = () => held() || hide()
  box.addEventListener('focusout', (e) => box.contains(e.relatedTarget) || hide())
}

function dress() {
  all('a[data-strip]').forEach(dressStrip)
  all('[data-self]').forEach((e) => { e.hidden = false })
  all('.group > summary').forEach((s) => { s.onclick = () => { s.parentNode.toggleAttribute('data-shut', s.parentNode.open) } })
  tellTimes(); tellAges(); judge(); outgrow()
}
newest((performance.getEntriesByType('navigation')[0]?.serverTiming || []).filter((t) => t.name === 'checked').map((t) => `checked;dur=${Math.round(t.duration)}`)[0])
dress()
let today = day(Date.now())
setInterval(() => { if (!document.hidden) { if (today !== (today = day(Date.now()))) tellTimes(); tellAges(); judge() } }, 1000)
listen()
