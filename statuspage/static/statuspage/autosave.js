// A long form that saves itself: two seconds after the first change, again and again, and when it is left.

const form = document.querySelector('[data-autosave]'), told = document.querySelector('[data-saved]')
let timer = 0, isSaving = false, isTyped = false, isSent = false
const soon = (ms) => { timer ||= setTimeout(save, ms) }
async function save(leaving) {
  clearTimeout(timer)
  timer = 0
  // one at a time: the older words could arrive after the newer ones, and would be what is kept
  if (isSaving) return
  isSaving = true
  isTyped = false
  const rows = [...form.querySelectorAll('.rowline--action')].filter((row) => row.querySelector('[name=action-text]').value.trim())
  let wait = 2000
  try {
    const answer = await fetch(form.dataset.autosave, { method: 'POST', body: new FormData(form), keepalive: leaving === true })
    const isOurs = answer.headers.get('content-type')?.includes('json'), body = isOurs ? await answer.json() : {}
    if (!isOurs) {
      isTyped = true
      wait = await renewed() ? 1000 : 3000
      const role = answer.headers.get('X-Role-Needed')
      told.textContent = `Not saved: ${role ? `you no longer have the role ${role}. Ask an admin` : 'you are logged out. Log in in another tab'}; your text stays here.`
    } else if (answer.ok) {
      form.elements.seen.value = body.saved_at
      rows.forEach((row, i) => { row.querySelector('[name=action-id]').value = body.actions[i] })
      told.textContent = `saved ${new Date(body.saved_at).toLocaleTimeString()}`
      if (document.hidden) wait = 0
    } else told.textContent = `Not saved: ${body.errors.join(' ')}`
  } catch { isTyped = true; told.textContent = 'Not saved: no connection. Your text stays here, and is saved when it is back.' }
  isSaving = false
  if (isSent) form.requestSubmit()
  else if (isTyped) soon(wait)
}
form.addEventListener('input', () => { isTyped = true; soon(2000) })
// the last row of a list is never the last for long
form.addEventListener('input', (e) => {
  const row = e.target.closest('.rowline')
  if (!row || row.nextElementSibling) return
  const next = row.cloneNode(true)
  next.querySelectorAll('input, textarea').forEach((i) => { i.value = '' })
  row.after(next)
})
form.addEventListener('submit', (e) => { clearTimeout(timer); timer = 0; isTyped = false; isSent = isSaving; if (isSaving) e.preventDefault() })
document.addEventListener('visibilitychange', () => { if (document.hidden && isTyped) save(true) })
