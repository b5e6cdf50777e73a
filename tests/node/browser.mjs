// A person's browser: it keeps cookies, follows redirects and submits the forms it finds, as they stand in the page.
import assert from 'node:assert/strict';

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#34': '"', '#39': "'" };
const unescaped = (text) => text.replaceAll(/&(amp|lt|gt|quot|#34|#39);/g, (_, name) => ENTITIES[name]);

function attributes(tag) {
  const found = {};
  for (const [, name, value] of tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) found[name] = unescaped(value ?? '');
  return found;
}

/** The form that goes to `action` with its fields; boxes that are not ticked are not sent. */
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

  /** Opens an address, signs in where the way leads over the login, and gives the page behind it. */
  async open(address) {
    let answer = await this.#get(address);
    if (new URL(answer.url).pathname === '/login') {
      const { username, password } = this.persona;
      answer = await this.submit(answer, '/login', { username, password });
    }
    return answer;
  }

  /** Submits the page's form to `action`, with these values on top of its own. Gives the page that follows, or the
      address where another site's begins. */
  async submit(page, action, values) {
    const body = new URLSearchParams({ ...formTo(page.text, action), ...values });
    return this.#followed(await this.#send(new URL(action, this.issuer), { method: 'POST', body }));
  }

  /** Opens an authorization request and decides it. Gives the address at the client that the answer went to. */
  async decide(address, decision) {
    const page = await this.open(address);
    assert.equal(page.status, 200, `the consent page: ${page.status}`);
    const answer = await this.submit(page, '/oauth/authorize', { decision });
    assert.equal(answer.status, 303, `the decision: ${answer.status}`);
    return new URL(answer.url);
  }

  /** Types a till's code on the device page. Gives the page that follows. */
  async type(user_code) {
    return this.submit(await this.open(new URL('/device', this.issuer)), '/device', { user_code });
  }

  async #get(address) {
    return this.#followed(await this.#send(new URL(address)));
  }

  async #followed(answer) {
    for (let hops = 0; answer.status === 303; hops += 1) {
      assert.ok(hops < 8, 'redirected in circles');
      const next = new URL(answer.location, this.issuer);
      if (next.origin !== this.issuer) return { status: 303, url: next.href, text: '' };
      answer = await this.#send(next);
    }
    return answer;
  }

  async #send(url, options = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, ...(options.method ? { origin: this.issuer } : {}) };
    const answer = await fetch(url, { ...options, headers, redirect: 'manual' });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      this.#cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    return { status: answer.status, url: url.href, location, text: await answer.text() };
  }
}
