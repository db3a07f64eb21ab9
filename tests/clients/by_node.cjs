// One program of npm's world reads the page: `node by_node.cjs NAME URL`. What it sees goes out as JSON.
const clients = {
  async 'statuspage.io'(url) {
    const { Statuspage } = require('statuspage.io')
    const client = new Statuspage('ours')
    client.setApiUrl(url)
    const { api } = client
    return {
      summary: await api.getSummary(),
      status: await api.getStatus(),
      components: await api.getComponents(),
      incidents: await api.incidents.getAll(),
      'incidents/unresolved': await api.incidents.getUnresolved(),
      // getAll() and getActive() of this version ask for upcoming.json as well
      'scheduled-maintenances/upcoming': await api.scheduledMaintenances.getUpcoming(),
    }
  },

  async 'rss-parser'(url) {
    const Parser = require('rss-parser')
    const seen = {}
    for (const form of ['atom', 'rss']) {
      const feed = await new Parser().parseURL(`${url}/history.${form}`)
      seen[form] = feed.items.map((one) => ({
        id: one.id ?? one.guid, link: one.link, title: one.title, at: Date.parse(one.isoDate) / 1000,
        html: one.content,
      }))
    }
    return seen
  },

  async 'ical.js'(url) {
    const ICAL = require('ical.js')
    const text = await (await fetch(`${url}/maintenance.ics`)).text()
    return new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vevent').map((row) => {
      const one = new ICAL.Event(row)
      return {
        uid: one.uid, summary: one.summary, start: one.startDate.toUnixTime(), end: one.endDate.toUnixTime(),
        status: row.getFirstPropertyValue('status'), words: one.description, sequence: one.sequence,
      }
    })
  },

  async 'node-ical'(url) {
    const found = await require('node-ical').async.fromURL(`${url}/maintenance.ics`)
    return Object.values(found).filter((one) => one.type === 'VEVENT').map((one) => ({
      uid: one.uid, summary: one.summary, start: one.start.getTime() / 1000, end: one.end.getTime() / 1000,
      status: one.status, words: one.description, sequence: Number(one.sequence),
    }))
  },
}

clients[process.argv[2]](process.argv[3]).then(
  (seen) => process.stdout.write(JSON.stringify(seen)),
  (error) => { console.error(error); process.exit(1) },
)
