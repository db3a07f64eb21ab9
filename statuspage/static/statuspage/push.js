// "Notify this browser": asks for permission, subscribes at the browser's push service, hands that to us.

const place = document.querySelector('[data-push]')
const button = place.querySelector('[data-push-ask]')
const answer = place.querySelector('[data-push-answer]')
const link = place.querySelector('[data-push-manage]')
const say = (word) => { answer.textContent = place.dataset[word] || word }

const bytes = (text) => Uint8Array.from(
  atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0),
)
const same = (held, key) => held && new Uint8Array(held).every((byte, n) => byte === key[n])

async function subscribe() {
  const worker = await navigator.serviceWorker.register('/push-worker.js', { scope: '/' })
  await navigator.serviceWorker.ready
  const key = bytes(place.dataset.push)
  const old = await worker.pushManager.getSubscription()
  if (old && !same(old.options.applicationServerKey, key)) await old.unsubscribe() // our key has changed
  return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
}

async function hand(subscription) {
  const response = await fetch(place.dataset.to, {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRFToken': place.dataset.csrf || '' }, body: JSON.stringify(subscription),
  })
  const told = await response.json()
  if (!response.ok) throw new Error(told.error)
  return told.manage
}

button.onclick = async () => {
  button.disabled = true
  say('asking')
  try {
    if (await Notification.requestPermission() !== 'granted') return say('denied')
    link.href = await hand(await subscribe())
    link.hidden = false
    button.hidden = true
    say('done')
  } catch (error) {
    say(error.name === 'Error' ? error.message : 'failed')
  } finally {
    button.disabled = false
  }
}

if ('serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window) {
  button.hidden = false
  say(Notification.permission === 'denied' ? 'denied' : 'ready')
} else say('unable')
