// Shows the status page's notifications, even when none of its pages is open.

self.addEventListener('push', (event) => {
  const message = event.data ? event.data.json() : {}
  event.waitUntil(self.registration.showNotification(message.title || 'Status', {
    body: message.body || '',
    tag: message.tag, // a later message about the same incident replaces it
    renotify: Boolean(message.tag),
    data: { url: message.url || '/' },
  }))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(self.clients.openWindow(event.notification.data.url))
})
