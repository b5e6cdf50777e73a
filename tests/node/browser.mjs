// A person's browser: it keeps cookies, follows redirects and submits the forms of a page.
import assert from 'node:assert/strict';

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'" };
const unescaped = (text) => text.replaceAll(/&(amp|lt|gt|quot|#34|#39);/g, (_, name) => ENTITIES[name]);

function attributes(tag) {
  const values = {};
  for (const [, name, value] of tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) values[name] = unescaped(value ?? '');
  return values;
}

/** Returns the fields of the form with this `action`, without unticked boxes. */
function formTo(page, action) {
  for (const [, opening, inner] of page.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)) {
    if (attributes(opening).action !== action) continue;
    const inputs = [...inner.matchAll(/<input([^>]*)>/g)].map(([, tag]) => attributes(tag));
    const sent = inputs.filter((input) => input.name && (input.type !== 'checkbox' || 'checked' in input));
    return Object.fromEntries(sent.map((input) => [input.name, input.value ?? '']));
  }
  return assert.fail(`the page has no form to ${action}`);
}

export class Browser {
  #cookies = new Map();

  constructor(issuer, persona) {
    this.issuer = issuer;
    this.persona = persona;
  }

  /** Opens an address, signs in if it leads to the login page, and returns the page that follows. */
  async open(address) {
    let response = await this.#get(address);
    if (new URL(response.url).pathname === '/login') {
      const { username, password } = this.persona;
      response = await this.submit(response, '/login', { username, password });
    }
    return response;
  }

  /** Submits the page's form to `action`, with these values in addition to its own. Returns the page that follows, or
      the address of a redirect to another site. */
  async submit(page, action, values) {
    const body = new URLSearchParams({ ...formTo(page.text, action), ...values });
    return this.#followRedirects(await this.#send(new URL(action, this.issuer), { method: 'POST', body }));
  }

  /** Opens an authorization request and decides it. Returns the address at the client to which it redirects. */
  async decide(address, decision) {
    const page = await this.open(address);
    assert.equal(page.status, 200, `the consent page: ${page.status}`);
    const response = await this.submit(page, '/oauth/authorize', { decision });
    assert.equal(response.status, 303, `the decision: ${response.status}`);
    return new URL(response.url);
  }

  /** Enters a user code on the device page. Returns the page that follows. */
  async enterCode(user_code) {
    return this.submit(await this.open(new URL('/device', this.issuer)), '/device', { user_code });
  }

  async #get(address) {
    return this.#followRedirects(await this.#send(new URL(address)));
  }

  async #followRedirects(response) {
    for (let redirects = 0; response.status === 303; redirects += 1) {
      assert.ok(redirects < 8, 'too many redirects');
      const next = new URL(response.location, this.issuer);
      if (next.origin !== this.issuer) return { status: 303, url: next.href, text: '' };
      response = await this.#send(next);
    }
    return response;
  }

  async #send(url, options = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, ...(options.method ? { origin: this.issuer } : {}) };
    const response = await fetch(url, { ...options, headers, redirect: 'manual' });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      this.#cookies.set(name, value);
    }
    const location = response.headers.get('location');
    return { status: response.status, url: url.href, location, text: await response.text() };
  }
}
