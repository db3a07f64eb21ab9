// A page to keep or to pass on: copy its link, print it with the moment of printing and all unfolded.

const one = (where) => document.querySelector(where)
const copy = one('[data-copy]')

one('[data-print]').hidden = false
one('[data-print]').onclick = () => print()

copy.hidden = !navigator.clipboard
copy.onclick = async () => {
  await navigator.clipboard.writeText(location.origin + location.pathname)
  const words = copy.querySelector('span') || copy, before = words.textContent
  words.textContent = copy.dataset.done
  setTimeout(() => { words.textContent = before }, 2000)
}

let folded = []
addEventListener('beforeprint', () => {
  const zone = one('[data-zone]').textContent
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'medium', timeStyle: 'short' })
  one('[data-printed]').textContent = clock.format(Date.now())
  folded = [...document.querySelectorAll('details:not([open])')]
  folded.forEach((e) => { e.open = true })
})
addEventListener('afterprint', () => folded.forEach((e) => { e.open = false }))
