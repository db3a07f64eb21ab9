// Shows what the status page tells this browser, while none of its pages need be open.

self.addEventListener('push', (event) => {
  const told = event.data ? event.data.json() : {}
  event.waitUntil(self.registration.showNotification(told.title || 'Status', {
    body: told.body || '',
    tag: told.tag, // a later message of the same story takes its place
    renotify: Boolean(told.tag),
    data: { url: told.url || '/' },
  }))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(self.clients.openWindow(event.notification.data.url))
})
