// Subscribing: the reader's theme, a picked component means "only these", and the work a form may ask for.

try {
  const theme = localStorage.getItem('theme')
  if (theme) document.documentElement.dataset.theme = theme
} catch { /* private windows keep nothing */ }

for (const places of document.querySelectorAll('[data-places]')) {
  places.addEventListener('change', () => {
    places.parentNode.querySelector('[name=scope][value=some]').checked = true
  })
}

// The number that makes SHA-256 of "challenge.number" begin with so many zero bits
async function solve(challenge, bits) {
  const text = new TextEncoder()
  for (let number = 0; ; number += 1) {
    const digest = await crypto.subtle.digest('SHA-256', text.encode(`${challenge}.${number}`))
    if (new DataView(digest).getUint32(0) >>> (32 - bits) === 0) return number
  }
}

for (const field of document.querySelectorAll('[data-proof]')) {
  const form = field.form, work = solve(field.value, Number(field.dataset.proof)).catch(() => '') // not without https
  form.addEventListener('submit', async (event) => {
    if (form.elements.number.value) return
    event.preventDefault()
    form.elements.number.value = await work
    form.submit()
  })
}
