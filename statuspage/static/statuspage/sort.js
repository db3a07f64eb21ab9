// Rows and blocks dragged by their grip. The arrows beside them do the same; so does a page without script.

let held = null // { thing, kind, home, next } while something is in the hand

document.documentElement.dataset.sortOn = ''

function behind(thing) { // what it stands behind now, of its own kind
  let one = thing.previousElementSibling
  while (one && !one.matches('[data-row], [data-block]')) one = one.previousElementSibling
  return one?.dataset.row || one?.dataset.block || ''
}

function over(e) { // where it would go: [parent, the one it comes before]
  const under = document.elementFromPoint(e.clientX, e.clientY)
  const mate = under?.closest(held.kind)
  if (mate && mate !== held.thing) {
    const box = mate.getBoundingClientRect()
    return [mate.parentNode, e.clientY < box.y + box.height / 2 ? mate : mate.nextElementSibling]
  }
  const list = held.kind === '[data-row]' && !mate && under?.closest('[data-block]')?.querySelector('[data-rows]')
  return list && list !== held.thing.parentNode ? [list, null] : null
}

function drop(isKept) {
  const { thing, home, next, from } = held
  held = null
  delete thing.dataset.held
  if (!isKept) return home.insertBefore(thing, next)
  const after = behind(thing), group = thing.closest('[data-block]').dataset.block
  if (after === from.after && group === from.group) return
  const root = document.querySelector('[data-sort]')
  const csrfmiddlewaretoken = root.querySelector('[name=csrfmiddlewaretoken]').value
  const values = { item: thing.dataset.row || thing.dataset.block, after, group, csrfmiddlewaretoken }
  window.htmx.ajax('POST', root.dataset.sort, { target: '#order', swap: 'outerHTML', values })
}

document.addEventListener('pointerdown', (e) => {
  const thing = e.target.closest('[data-grip]')?.closest('[data-row], [data-block]')
  if (!thing || e.button) return
  e.preventDefault()
  const kind = thing.matches('[data-row]') ? '[data-row]' : '[data-block]'
  const from = { after: behind(thing), group: thing.closest('[data-block]').dataset.block }
  held = { thing, kind, home: thing.parentNode, next: thing.nextElementSibling, from }
  thing.dataset.held = ''
})
document.addEventListener('pointermove', (e) => {
  const place = held && over(e)
  if (place) place[0].insertBefore(held.thing, place[1])
})
document.addEventListener('pointerup', () => held && drop(true))
document.addEventListener('pointercancel', () => held && drop(false))
document.addEventListener('keydown', (e) => { if (held && e.key === 'Escape') drop(false) })
