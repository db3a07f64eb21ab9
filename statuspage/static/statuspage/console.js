// Every page of the console: live news, running clocks, keys. All of it is extra: forms and links work alone.

const all = (where) => [...document.querySelectorAll(where)]
const memory = { get: (k) => { try { return localStorage.getItem(k) } catch { return null } }, set: (k, v) => { try { localStorage.setItem(k, v) } catch {} } }
const theme = memory.get('theme')
if (theme) document.documentElement.dataset.theme = theme

// On wide screens the menu stands open
const wide = matchMedia('(min-width: 961px)'), menu = document.querySelector('[data-menu]')
const fit = () => { menu.open = wide.matches }
wide.addEventListener('change', fit)
fit()

// Clocks: how long something lasts, and how long is left; local time beside UTC
const two = (n) => String(n).padStart(2, '0')
const length = (s) => (s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : s < 86400 ? `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min` : `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`)
function tick() {
  all('[data-running]').forEach((e) => { e.textContent = length(Math.max(0, Math.floor((Date.now() - Date.parse(e.dataset.running)) / 1000))) })
  all('[data-until]').forEach((e) => {
    const left = Math.ceil((Date.parse(e.dataset.until) - Date.now()) / 1000)
    e.textContent = length(Math.max(0, left))
    if (left <= 0) e.closest('[data-undo]')?.remove()
  })
  all('time:not([title])').forEach((t) => { t.title = new Date(t.dateTime).toLocaleString() })
}
tick()
setInterval(tick, 1000)

// News: the doorbell of the public page; regions that ask for it fetch themselves anew
let stream, token
function listen() {
  stream = new EventSource(document.body.dataset.live || '/live')
  stream.onmessage = (e) => {
    const isNews = token && token !== e.data // the first one tells only where we are
    token = e.data
    if (isNews) setTimeout(() => document.body.dispatchEvent(new Event('news')), Math.random() * 500)
  }
  stream.onerror = () => { if (stream.readyState === 2) setTimeout(listen, 10000) }
}
if (document.querySelector('[hx-trigger*="news"]')) listen()
document.body.addEventListener('htmx:beforeSwap', (e) => {
  const held = e.detail.target, focus = document.activeElement
  if (held.id === 'live' && ((focus !== document.body && held.contains(focus)) || held.querySelector('details[open]'))) e.detail.shouldSwap = false
})

document.body.addEventListener('htmx:afterSwap', tick)

// A session that ended while somebody writes: after a login in another tab the form has its new token
globalThis.renewed = async () => {
  try {
    const answer = await fetch(location.href, { redirect: 'manual' }) // the login is a redirect
    const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : '', 'text/html')
    const token = page.querySelector('main form [name=csrfmiddlewaretoken]')
    if (token) document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach((field) => { field.value = token.value })
    return Boolean(token)
  } catch { return false }
}

// Keys: one letter outside fields does what the element that names it does
const dialog = document.getElementById('keys'), onoff = document.querySelector('[data-keys-on]')
onoff.checked = memory.get('keys') !== 'off'
onoff.onchange = () => memory.set('keys', onoff.checked ? 'on' : 'off')
const inField = (e) => e.target.matches('textarea, select, input:not([type=radio], [type=checkbox])')
document.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || inField(e) || !onoff.checked) return
  if (e.key === '?') { e.preventDefault(); dialog.open ? dialog.close() : dialog.showModal(); return }
  const mine = document.querySelector(`[data-key="${CSS.escape(e.key.toLowerCase())}"]`)
  if (!mine || dialog.open) return
  e.preventDefault()
  if (mine.matches('.chip, [type=search]')) mine.focus()
  else { mine.focus(); mine.click() }
})
document.querySelector('[data-focus]')?.focus()
