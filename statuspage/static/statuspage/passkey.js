// Passkeys and security keys: asks the browser, and sends what it says with the form.
const works = window.PublicKeyCredential?.parseCreationOptionsFromJSON

for (const button of document.querySelectorAll('[data-passkey]')) {
  const said = button.form.querySelector('[data-passkey-said]')
  if (!works) continue // the button stays hidden, the sentence beside it tells why
  said.textContent = ''
  button.hidden = false
  button.addEventListener('click', async () => {
    try {
      button.form.elements.credential.value = JSON.stringify(await ask(button))
      button.form.submit()
    } catch {
      said.textContent = button.dataset.failed
    }
  })
}

async function ask(button) {
  const told = (await optionsOf(button)).publicKey
  if (button.dataset.passkey === 'get') {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(told)
    return (await navigator.credentials.get({ publicKey })).toJSON()
  }
  if (button.form.elements.passwordless?.checked) { // it must be found without a name, and know its owner
    Object.assign(told.authenticatorSelection, { residentKey: 'required', requireResidentKey: true, userVerification: 'required' })
  }
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(told)
  return (await navigator.credentials.create({ publicKey })).toJSON()
}

async function optionsOf(button) {
  const { options } = button.dataset
  if (options) return (await (await fetch(options, { headers: { Accept: 'application/json' } })).json()).request_options
  const data = JSON.parse(document.getElementById('js_data').textContent)
  return data.request_options ?? data.creation_options
}
