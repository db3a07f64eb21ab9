// The composer: nothing typed is lost, and Ctrl Enter publishes. Saving itself is the form's own hx-trigger.

const form = document.querySelector('[data-compose]')
const save = () => fetch(form.getAttribute('hx-post'), { method: 'POST', body: new FormData(form), keepalive: true })
// half a form is worth keeping, and says already who will be told: only publishing asks for all of it
form.noValidate = true
form.querySelector('[data-publish]').addEventListener('click', (e) => { if (!form.reportValidity()) e.preventDefault() })
let typed = false, sent = false, timer = 0
// saved within two seconds of the first key, again and again while the typing goes on
form.addEventListener('input', () => { typed = true; sent = false; timer ||= setTimeout(() => { timer = 0; htmx.trigger(form, 'save') }, 1500) })
// once it is sent no saving may follow it: the words would come back as a draft
form.addEventListener('submit', () => { typed = false; sent = true; clearTimeout(timer) })
addEventListener('pageshow', () => { sent = false })
form.addEventListener('htmx:beforeRequest', (e) => { if (sent) e.preventDefault() })
// the promise has changed: the clock in the words follows
document.body.addEventListener('htmx:afterSwap', () => {
  const follow = document.querySelector('[data-follow]')
  if (!follow) return
  const { was, new: is } = follow.dataset, at = body.selectionStart
  follow.remove()
  for (const field of [body, form.elements.filled]) field.value = field.value.replaceAll(was, is)
  form.elements.told.value = is
  if (document.activeElement === body) body.setSelectionRange(at, at)
})
// a lid that closes, a tab that is left: what was typed since the last saving goes out at once
document.addEventListener('visibilitychange', () => { if (document.hidden && typed) save().catch(() => {}) })
document.body.addEventListener('htmx:afterRequest', (e) => { if (e.detail.elt === form && e.detail.successful) typed = false })
document.body.addEventListener('htmx:sendError', () => { document.getElementById('saved').textContent = 'Not saved: no connection. Your text stays here.' })
// logged out while writing: the words stay here, and are saved once somebody is logged in again, in any tab
let isOut = false
form.addEventListener('htmx:beforeOnLoad', (e) => {
  if (![401, 403].includes(e.detail.xhr.status)) { isOut = false; return }
  e.preventDefault()
  typed = true
  const line = document.getElementById('saved'), role = e.detail.xhr.getResponseHeader('X-Role-Needed')
  if (role) line.textContent = `Not saved: you no longer have the role ${role}. Ask an admin; your text stays here.`
  else {
    const way = Object.assign(document.createElement('a'), { href: form.dataset.login, target: '_blank', textContent: 'Log in in another tab' })
    line.replaceChildren('Not saved: you are logged out. ', way, '; your text stays here.')
  }
  if (!isOut) { isOut = true; comeBack() }
})
const comeBack = () => setTimeout(async () => {
  if (!isOut) return
  if (await renewed()) htmx.trigger(form, 'save')
  comeBack()
}, 3000)
addEventListener('beforeunload', (e) => { if (typed && !navigator.onLine) e.preventDefault() })

form.addEventListener('keydown', (e) => {
  if ((e.ctrlKey || e.metaKey) && e.key === 'Enter') { e.preventDefault(); form.querySelector('[data-publish]').click() }
  if ((e.ctrlKey || e.metaKey) && e.key === 's') { e.preventDefault(); htmx.trigger(form, 'save') }
})
// while one writes: Alt with a number sets the status, Escape leaves the words for the single keys
form.addEventListener('keydown', (e) => {
  const number = e.altKey && !e.ctrlKey && !e.metaKey && e.code.match(/^(?:Digit|Numpad)([1-4])$/)?.[1]
  if (number) { e.preventDefault(); form.querySelector(`[data-key="${number}"]`).click() }
  if (e.key === 'Escape' && !e.isComposing && e.target.matches('textarea, input')) e.target.blur()
})
const add = form.querySelector('#add')
add.addEventListener('change', () => { if (add.value) form.querySelector('[name=adding]').click() })
// Enter in a one-line field means the next field, not the first button of the form, which is a template
form.addEventListener('keydown', (e) => { if (e.key === 'Enter' && e.target.matches('input:not([type=radio], [type=checkbox])') && !e.ctrlKey && !e.metaKey) e.preventDefault() })
// the cursor goes where the writing goes on, unless somebody writes already
const body = form.querySelector('#body')
const blank = body.value.match(/\{[^{}]+\}/)
const isUntouched = !body.selectionStart && body.value === body.defaultValue, end = body.value.length
if (isUntouched) blank ? body.setSelectionRange(blank.index, blank.index + blank[0].length) : body.setSelectionRange(end, end)
