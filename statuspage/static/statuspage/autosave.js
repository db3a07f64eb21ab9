// A long form that saves itself: two seconds after the first change, again and again, and when it is left.

const form = document.querySelector('[data-autosave]'), told = document.querySelector('[data-saved]')
let timer = 0, waiting = false
async function save(keepalive = false) {
  timer = 0
  waiting = false
  try {
    const answer = await fetch(form.dataset.autosave, { method: 'POST', body: new FormData(form), keepalive })
    const body = await answer.json()
    if (answer.ok) { form.elements.seen.value = body.saved_at; told.textContent = `saved ${new Date(body.saved_at).toLocaleTimeString()}` }
    else told.textContent = `Not saved: ${body.errors.join(' ')}`
  } catch { waiting = true; told.textContent = 'Not saved: no connection. Your words stay here.' }
}
form.addEventListener('input', () => { waiting = true; timer ||= setTimeout(save, 2000) })
// the last row of a list is never the last for long
form.addEventListener('input', (e) => {
  const row = e.target.closest('.rowline')
  if (!row || row.nextElementSibling) return
  const next = row.cloneNode(true)
  next.querySelectorAll('input').forEach((i) => { i.value = '' })
  row.after(next)
})
form.addEventListener('submit', () => { clearTimeout(timer); waiting = false })
document.addEventListener('visibilitychange', () => { if (document.hidden && waiting) { clearTimeout(timer); save(true) } })
