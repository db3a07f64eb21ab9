"""Families of words, for `families`: the states that an answer says things are in.

The notation is that of `vocabulary`. Some of them tell enough whatever they are said of.
"""

from components.diagnosis.vocabulary import family

FAILED = r"(cannot|can not|can't|could not|couldn't|unable|not able|fail*|error*|trouble|problem*|impossible)"
FULL = family(
    "no [a-z]{3,20}( currently)? available",
    "exhaust*, too (many|much|high), saturat*, deplet*, throttl*, overflow*, overrun",
    "starv*, in use, full",
    "(run|ran|running) out",
    "(limit|maximum|max|capacity|quota|threshold|cap|budget|allowance) .. (reached|exceed*|hit)",
    "(reached|exceed*|hit|over|above|beyond|out of|insufficient|lack of|not enough|no) "
    ".. (limit*|maximum|max|capacity)",
    "(reached|exceed*|hit|over|above|out of|insufficient|not enough) "
    ".. (quota|memory|resources|space|threads|workers)",
    "(out of|insufficient|not enough|no) .. (slots|connections|descriptors|heap|credits)",
    "no (more|free|idle|spare|available|remaining), zero (free|available)",
    "none (free|available|left)",
    "waiting for( an| a)?( free| available| idle| open)* (thread|worker|slot|connection|permit)",
    "reserved for (superuser|roles|admin*)",
)
OVER = family(
    "(service|node|worker|queue|backend) busy, busy (processing|with), ocupad*, занят*",
    "overload*, too busy, (is|are|currently|server|system|very) busy, server~busy",
    "slow~down, throttl*",
    "at( full| max*)? capacity, over capacity",
    "(heavy|high|excessive|peak)( server| user)? (load|traffic|demand|volume)",
    "rate ?limit*, back~pressure, load~shed*, congest*, waiting room, queue~full",
    "resource exhausted",
    "too many( concurrent| simultaneous| pending| open| active| running)? (requests|queries|jobs|tasks"
    "|operations|commands|streams|users|visitors|calls|people)",
    "demasiad* (peticiones|solicitudes|usuarios), zu viele, trop de, слишком много, troppe",
    "demasiados, limitation",
    "muitas requisições, çok fazla, terlalu banyak, 过多, 太多, 多すぎ, 너무 많",
    "überlastet, überlastung, surcharg*, sobrecarg*, sovraccaric*, overbelast*, przeciążon*",
    "перегруж*, перегрузк*",
    "混雑, アクセスが集中, 过载, 繁忙, 과부하",
)
AWAY = family(
    "not currently available, (leader|master|primary|node|shard|partition) not found",
    "(ingen|no) (kontakt|contact), chưa kết nối, не подключен*, nicht verbunden",
    "(ej|inte) ansluten",
    "(is|was) locked",
    "refused, unreachable, unavailable, gone away, timed?~out, time~out, lost connection",
    "outage, read~only",
    f"{FAILED} .. (connect*|reach*|contact*|open*|establish*|access*|communicat*|talk*|acquir*|dial*|log~in)",
    f"{FAILED} .. (authenticat*|ping*|respond*|bind*|select*|query*|fetch*|read*|writ*|load*|call*"
    "|retriev*|resolv*)",
    "(connect*|communication|link|login|access|session) "
    ".. (fail*|error|lost|closed|broken|reset|dropped|aborted)",
    "(connect*|communication|link) .. (terminated|exception|down|interrupted|forcibly|time~out)",
    "(is|are|was|seems|appears|went)( currently| temporarily)? (down|offline|dead|gone|missing|lost"
    "|broken|closed)",
    "not (available|reachable|connected|responding|accessible|operational|running|open|writable"
    "|primary|master|leader)",
    "no (route|response|broker*|leader|primary|master|quorum|node*|living|connection)",
    "server selection",
    "encountered (a|an)( serious| fatal)? (problem|error), econn*, etimedout, ehostunreach",
    "recovery mode, shutting down, starting up, loading",
    "deadlock, failover",
    "((error|exception|issue*|problem*|failure|trouble) "
    ".. (with|from|in|by|connecting|occurred)), connection error",
)
MARKED = (  # the value of a member, or what follows a name
    r": (?:down|offline|error|failed|failing|failure|false|unhealthy|disconnected|unavailable|unreachable)\b"
)
UNMET = family(  # of any service that it calls
    "refused, unreachable, unavailable, econn*, etimedout, ehostunreach, socket hang~up",
    "timed?~out, time~out",
    "(is|was|currently)( currently)? (down|offline|failing|not (available|responding"
    "|reachable)), not responding",
    f"{FAILED} .. (connect*|reach*|contact*|call*|communicat*|fetch*), max retries",
    "circuit .. open",
    "deadline exceeded, connection? (error|fail*|exception|reset|aborted|timeout)",
    "no such host, unavailable:",
)
SLOW = family(
    "timed?~out, time~out, deadline exceeded, took (too|longer|more), taking (too|longer)",
    "time limit, too slow",
    "exceeded .. (time|seconds|ms|duration|deadline)",
    "(did not|didn't|not) respond .. (in|within|time), unresponsive",
    "not (complet*|finish*|return*|answer*) .. (in|within), too long to",
    "no response .. (within|in time|after), hung, reasonable( amount of)? time",
    "(no|não|nao) respond* a tiempo, tiempo de espera, zeitüberschreitung",
    "délai .. (dépassé|expiré)",
    "délai d'attente, тайм~аут, время ожидания, tempo (esgotado|limite|scaduto)",
    "zaman aşımı, hết thời gian",
    "przekroczono .. czas*, 超时, 逾時, タイムアウト, 시간 초과",
)
RAN_LONG = family(
    "max* (execution|run) time, (execution|run|processing) time .. exceed*",
    "exceeded .. time~(limit|out), time limit",
    "ran( for)? (longer|too long), worker timeout",
)
REFUSED = family(
    "(failed to|did not|does not|not) respond*",
    "refused, econnrefused",
    f"{FAILED} .. (connect*|reach*|contact*|establish*|forward*|route|proxy*), unreachable",
    "connection? (failed|failure|error), not (running|started|listening|reachable)",
    "nothing( is)? listening, no process",
    "(is|are)( currently| temporarily)? (down|offline|stopped|dead), stopped",
)
BROKE = family(
    "(invalid|empty|incomplete|malformed|unexpected*|bad|premature*|truncated|corrupt*) "
    ".. (response|reply|answer|header*)",
    "(invalid|incomplete|malformed|unexpected*|premature*) "
    ".. (eof|clos*|end|message|data|disconnect*|output)",
    "closed .. (connection|prematurely|before|unexpectedly|early|socket|by), reset, hang~up",
    "hung up, broken pipe",
    "disconnect*, end of file, zero (size*|length|bytes), no (data|headers) received",
    "terminated, crash*, exited",
)
NONE = family(
    "(no|none|zero|0|without|all|every|any|not any) "
    ".. (healthy|available|alive|live|ready|active|up|running|reachable)",
    "(no|none|zero|0|without) .. (registered|usable|online|eligible|good|suitable|serving)",
    "(all|every|any) .. (unhealthy|down|failed|dead|unavailable|sick)",
    "no( such)? (server|instance|backend|upstream|endpoint|pod|replica|node|target|worker"
    "|provider|peer|runner)s?"
    " (found|for|to|is|are|exist*|can|could|remain*)",
    "(fail*|unhealthy|not passing) .. health~check*",
)
STARTING = family(
    "(is|are|still|being|currently|now) "
    ".. (starting( up)?|boot*|warm* up|initiali*|loading|wak*|spin*|launching)",
    "(is|are|still|being|currently|now) "
    ".. (provisioning|coming up|migrating|bootstrapping|indexing|getting ready)",
    "not( yet)?( been)? (ready|started|running|initiali*|booted|loaded|deployed|active)",
    "cold start, warming",
    f"{FAILED} .. (start|boot|launch|spawn|initiali*|starting|booting|launching|startup|bootstrap)",
    "start~up (failed|failure|error|in progress)",
    "please wait while .. (start*|load*|boot*|prepar*|initiali*)",
    "is( currently)? (stopped|suspended|sleeping|asleep|hibernat*|paused)",
    "has( been)? (stopped|suspended), is sealed",
)
STOPPING = family(
    "(pending|unapplied) migration*, migrations are pending",
    "run .. (db:migrate|artisan migrate|migrate)",
    "shutting down, shut~down in progress, draining, drained, restarting, rebooting",
    "(going|taken) (offline|down) for",
    "being (re~)?(deployed|updated|upgraded|restarted|migrated|patched|replaced|improved|maintained)",
    "(deploy*|upgrad*|updat*|migrat*|roll~out|release|patch*) "
    ".. (in progress|under~way|ongoing|at the moment)",
    "(upgrading|updating|deploying|patching|migrating) (to|our|the|this|your|its)",
    "new (version|release) .. (deploy*|roll*)",
)
MAINTENANCE = family(
    "maint(en|ain)ance, maintence, upkeep, wartung*, instandhaltung, mantenimiento",
    "manuten(zione|ção|cao), onderhoud*",
    "underhåll*, vedlikehold*, vedligehold*, huolto*, konserwac*, prace techniczne, údržb*",
    "karbantart*, bakım*",
    "mentenanță, συντήρηση*, pemeliharaan, bảo trì, обслуживан*, обслуговуван*",
    "техническ* работ*, технічн* робот*",
    "профилактическ*, メンテナンス, 维护, 維護, 점검, software update",
)
STATES_DNS = family(
    "(fail*|error*|not|cannot|can't|couldn't|unable) "
    ".. (resolv*|resolution|lookup|look up|be found), no such host",
    "resol* .. (fail*|error*|timed?~out), not known, nxdomain, servfail, enotfound",
    "eai again, no address, unresolv*",
    "dns (error|failure|problem|time~out), no( a| aaaa| dns)? records?",
)
DISTRUST = family(
    "expired?, invalid, verif*, fail*, untrusted, not( yet)? (trusted|valid)",
    "unknown (authority|ca|issuer), self~signed",
    "mismatch, does not match, no match, revoked, wrong version, alert, error",
    "unable to (find|get|verify)",
    "unsupported protocol, path building, no (common|shared)",
)
CRASHED = family(
    "invocation failed, function has crashed, uncaught fatal",
    "panic*, segmentation fault, segfault, core dumped, sig(kill|segv|abrt|term|bus|ill)",
    "oom~kill*, runtime exited",
    "exit* (with|status|code), crash*, stack overflow, fatal (signal|fault), bus error",
    "premature end of script",
    "(worker|process|child|function|instance|container|script) "
    ".. (died|killed|terminated|crashed|exited|aborted)",
    "end of script output before headers",
)
MEMORY = family(
    "out of memory, memory (limit|size) .. (exceeded|exhausted|reached), exceed* .. memory",
    "heap (space|limit), enomem",
    "(cannot|can not|failed to) allocate memory",
)
HELD = family(
    "block*, banned, denied, suspicious, malicious, flagged, black~list*, deny~list*",
    "filtered, threat*, attack*",
    "forbidden by, rejected by, restricted, quarantin*, abus*, unusual (activity|traffic)",
    "protect itself",
    "not (allowed|permitted|authori*|available) .. (browse|country|region|location|ip|firewall|policy)",
    "unauthorized (activity|request*), (allow|white|safe)~list*",
    "security (service|check|verification)",
    "verify* .. (human|browser|robot)",
)
GUARD = family(
    "unauthorized activity, (request|activity) .. blocked, firewall*, waf, bot, bots",
    "robot*, automated, captcha*, human, ddos, challenge",
    "suspicious, malicious, protect*",
    "security (service|rule*|policy|solution|system|check|plugin|module|reasons|measure*|threat"
    "|verification)",
    "anti~(bot|ddos|spam|virus), your ip, ip( address)? (has been|was|is), ip address",
    "country, geo*, web~shield",
    "reputation, scrap*, crawl*, unusual (activity|traffic)",
    "(incident|event|ray|support) id, threat*, attack*",
    "(allow|white|black|deny)~list*",
)
ASTRAY = family(
    "(unknown|unrecogni*|invalid|unmatched|disallowed|misdirected|wrong|no such|no matching"
    "|no) (host*|host~name|domain)",
    "(unknown|unrecogni*|invalid|unmatched|no such|no matching) (route|virtual~host|vhost|site"
    "|listener|server name)",
    "not( been)? (configured|recogni*|mapped|bound|registered|served here|found on this)",
    "improperly configured",
    "no (route|service|app*|site|website|cluster|listener|ingress) (matched|found|configured"
    "|defined|matches|for|at)",
    "misconfigur*, configuration (error|problem|issue), too many redirects, redirect* loop",
    "loop detected",
)
# States that tell enough whatever they are said of
UNSET = family(  # in as many languages as people write error messages in
    "no .. (key|secret|setting|url|token) (has been |was |is )?(specified|given)",
    "improperly configured",
    "(setting|variable|key|secret|url) .. must (not be empty|be set|be configured|be provided)",
    "ikke (er )?konfigure*, (inte|ej) konfigurera*, unlicensed",
    "licen(s|c)e .. (expired|invalid|missing)",
    "غير (مهيأ|معد)*",
    "configuration .. (incomplete|missing|invalid|absent)",
    "(needs|requires) .. (key|token|secret|variable|credential*)",
    "no (active|valid) .. (credential*|key|token|provider|model|configuration)",
    "n(ã|a)o( foi| está)? configurad*",
    "not( been)?( correctly| properly)? (configured|set|set up|provided|defined|enabled"
    "|installed), unconfigured",
    "missing .. (env*|configuration|api~key|credential*|secret|variable|setting*)",
    "(api )?key (missing|required)",
    "no (api )?(key|credentials|provider|model|token) (configured|set|provided|available"
    "|found), not supported on",
    "no module named, module not found, no such file or directory, no configurad*",
    "nicht (konfiguriert|eingerichtet)",
    "(pas|non) configuré*, non configurat*, não configurad*, não está configurad*",
    "niet geconfigureerd, inte konfigurera*",
    "не (настроен*|задан*|сконфигурирован*), yapılandırılma*, chưa được cấu hình",
    "belum (dikonfigurasi|diatur)",
    "nie (jest )?skonfigurowan*, 未配置, 未設定, 設定されていません, 설정되지 않, 구성되지 않",
)
OFF = family(
    "(is|are|been|temporarily) paused, pausad*, приостановлен*, 暂停, 暫停, 停止中, 尚未開放, 尚未开放, 중단",
    "(is|are|been|currently|temporarily|was) (disabled|deactivated|switched off|turned off)",
    "disabled$, deshabilitad*",
    "desactivad*, deaktiviert, désactivé*, desativad*, отключен*, 已停用, 已禁用, 無効, 비활성화",
)
UNREADY = family(
    "failed to (start|boot|launch|initiali*)",
    "no (model|catalog|index|data|snapshot) (is )?loaded, ^loading$",
    "(status|state|error|message|detail) : loading",
    "not( yet)?( been)?( fully)? (ready|initiali*|loaded|available yet|running|started|booted|warmed)",
    "(not|isn't|aren't|n't) available yet",
    "(model|index|cache|data|engine|service|server|application|app) loading",
    "loading (model|index|data|engine|application|configuration|modules|cores)",
    "is( currently)? (loading|starting|booting)",
    "still (loading|starting|initiali*|booting|warming)",
    "(starting|booting|warming|spinning|waking) up, is starting",
    "is( currently)? (sleeping|asleep|paused|suspended|hibernat*|sealed|offline|stopped|starting)",
    "(project|app|site|instance|cluster|service|database|space|branch) (paused|suspended|asleep"
    "|offline|stopped)",
    "no está (inicializad*|list*|disponible aún), no inicializad*",
    "nicht (bereit|initialisiert|gestartet|geladen)",
    "wird (gestartet|geladen|initialisiert)",
    "(pas|non) (encore )?(prêt*|initialisé*|démarré*|chargé*), en cours de démarrage",
    "não (inicializad*|está pronto), non (pronto|inizializzat*)",
    "не (готов*|инициализ*|запущен*), запускается",
    "belum (siap|tersedia|dimulai), chưa sẵn sàng, hazır değil, başlatılıyor",
    "未就绪, 未初始化, 未启动, 未加载, 启动中, 加载中, 正在启动, 正在加载",
    "起動中, 準備中, 初期化されていません",
    "준비되지 않, 초기화되지 않, 로딩 중, 시작 중, 준비 중",
)
LOST = family(  # what an application says of something that it asked
    "no (response|answer|reply)( received)? from, interrupted",
    f"{FAILED} .. (connect*|reach*|contact*|verif*|fetch*|retriev*|access*|call*|communicat*|query*"
    "|quer*|download*)",
    "(request|fetch|call|query|verification|lookup|connection|download|upload"
    "|sync) (has )?failed, connection .. lost",
    "(error|failure) (calling|contacting|from|connecting|communicating|fetching|querying)",
    "not connected, disconnected",
    "(returned|responded|answered|replied) (with )?(html|an error|an invalid|an unexpected|nothing"
    "|no|status|http|code)",
    "circuit .. open",
    "dependenc* (missing|failed|down|is unavailable)",
    "network error, connecting$, upstream (error|failure)",
    "(no|não|nao) (se pudo|foi possível|foi possivel|fue posible) (conectar|contactar|acceder"
    "|acessar|obtener|obter)",
    "impossible de (se connecter|joindre|contacter|accéder)",
    "impossibile (connettersi|contattare|raggiungere)",
    "(verbindung|anfrage) .. (fehlgeschlagen|abgelehnt|verloren)",
    "nicht (erreichbar|verbunden), erreur (minio|de connexion)",
    "не удалось (подключ*|соедин*|получить|связаться), nie można połączyć",
    "bağlan* .. (hata*|başarısız), gagal (terhubung|koneksi)",
    "không thể kết nối, 无法连接, 連接失敗, 连接失败",
    "请求失败, 生成失败, 接続できません, 接続に失敗, 연결되지 않, 연결할 수 없, 연결 실패",
)
FAILURES = family(  # of a gateway, or at 503, whatever it was that failed
    "فشل, تعذر, لم تصل",
    "failed, failure, unable to, could not, couldn't, cannot, fehlgeschlagen, échec",
    "échoué*, fallid*, falló, fallito",
    "falha, falhou, não foi possível, nao foi possivel, no se pudo, impossible de",
    "impossibile, не удалось, не вдалося",
    "ошибка, błąd, nie udało się, başarısız, hata, alınamadı, gagal, thất bại, không thể",
    "失败, 失敗, 无法, 無法, 실패, できません",
)
GONE = family(
    "غير (متاح|متوفر)*",
    "unavailable, not available, unreachable, indisponi*, no (está )?disponible",
    "nicht verfügbar, недоступ*, non disponibile",
    "niet beschikbaar, otillgänglig*, ikke tilgængelig, utilgjengelig, niedostępn*",
    "nedostupn*, kullanılamıyor, tidak tersedia",
    "không khả dụng, 不可用, 無法使用, 利用できません, 사용할 수 없",
)
APOLOGY = """
    but the this that our your a an is are was be and it its we we're sorry service services site web
    website page pages server servers system systems app application api resource resources content
    currently temporarily temporary unavailable not available unreachable at moment right now for time
    being due to error errors exception message detail details title reason code status false true none
    null oops down offline response request requested url http https board forum wiki shop store blog
    portal platform account feature endpoint function operation area section indisponible indisponível
    disponible no está temporairement temporalmente temporariamente nicht verfügbar сайт сервис сервер
    временно недоступен
"""
# More than the words that every apology is made of, so that what is gone has a name
NAMED = rf"^(?!(?:(?:{'|'.join(APOLOGY.split())})\b|[\W\d_])*$)"
ANSWERED = family(
    "error:? ?[45][0-9][0-9], [45][0-9][0-9] (from|by), [a-z]{3,} [45][0-9][0-9]$",
    "(api|provider|upstream|service|gateway|vendor) error",
)
CHALLENGE = family(  # asked of browsers
    "enable (js|javascript|cookies), ad~blocker, not a (robot|bot)",
    "(you're|you are|are you) (a )?human, security check",
)
RETRIED = family("max* retries, retries (exceeded|exhausted), retry limit, gave up after")
CLUSTER = family(  # of machines that store or share data
    "leader .. (not found|unknown|unavailable|election), no (leader|quorum)",
    "forward* .. to the leader, not enough replicas",
    "(live|healthy|available) replicas required, too many unhealthy",
    "unhealthy (instances|nodes|members|shards)",
)
CHECKED = family("health~check* .. fail*, readiness .. fail*, liveness .. fail*")
# What to do about it, after what it is
REMEDY = (
    r"(?<=\w\s)(?:either (?:raise|increase)|please|consider|try (?:again|to)|contact"
    r"|check (?:the|your|that|if|whether|logs?|back)|make sure)\b.*"
)
# A page made for any failure guesses; a sentence that denies something does not claim it
GUESS = family(
    "may, might, perhaps, possibly, probably, (could|can) be, either, usually, typically",
    "for example, such as, if",
    "no longer, is not (a|an|due|because|under), rather than, instead of, learn",
    "how to, tip, tips, guide, blog",
)
# What every answer with the code says
REASONS = (
    r"(^|[:\d]\s*)(?:service (?:temporarily )?unavailable|bad gateway|gateway time-? ?out"
    r"|internal server error|too many requests|request time-?out|http error|server error|https?/\d\S*)\b"
)
