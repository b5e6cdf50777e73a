// A merchant's receiver of webhooks from a Sesame Gateway, in Node.js without packages. Its state is in a file.
//
//   export WEBHOOK_SECRETS="whsec_..."        # two, separated by a space, while a secret is rotated
//   node docs/examples/webhook_receiver.mjs receiver.journal 9100
//
// docs/webhooks.md has the rules that it follows. It accepts events at POST /webhooks. GET /effects returns how often
// each event was applied, for `gateway sandbox verify --effects` and for tests: let your proxy, which does TLS, pass
// /webhooks only. One process at a time may use the file.
import { createHmac, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

const LONGEST_BODY = 65_536; // bytes; an event has less than 2,000
const DISCARDED = 1_048_576; // bytes of a longer body that are read, so that the sender can read the response
const SHORTEST_KEY = 24; // bytes
const TOLERANCE = 300; // seconds by which the clocks may differ
const REMEMBERED = 30 * 86_400; // seconds for which the ids of events are kept
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/; // Buffer.from accepts any text

// The delivery is not accepted. `status` is the response.
export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

// Verifies deliveries and applies each event once. The file is a journal: one line of JSON for each event, with what it
// changed. A line is on the disk before the event is applied in memory and the response is sent.
export class Receiver {
  constructor(file, secrets, clock = () => Date.now() / 1000) {
    this.file = file;
    this.clock = clock;
    this.keys = secrets.map((secret) => decode(secret.replace(/^whsec_/, '')));
    if (!this.keys.length || this.keys.some((key) => key.length < SHORTEST_KEY)) {
      throw new RangeError('a secret is missing or too short'); // anybody could sign with an empty one
    }
    this.events = new Map(); // when each event was received, by its id
    this.sequences = new Map(); // the last sequence of each subject
    this.effects = new Map(); // how often each event was applied
    this.records = new Map(); // our consents and decisions, by their id
    for (const line of fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : []) {
      this.replay(JSON.parse(line)); // a last line without its end was never confirmed to the gateway
    }
    this.compact();
  }

  // Applies the event, and returns when it is on the disk: a 2xx says that the event is safe here. Throws Refused.
  receive(headers, body) {
    const id = this.verify(headers, body);
    const event = this.read(body);
    const subject = `${event.subject.type} ${event.subject.id}`;
    if (!this.isNew(id)) return;
    const line = { id, at: Math.trunc(this.clock()) };
    this.write(this.isNext(subject, event) ? { ...line, subject, sequence: event.sequence, ...this.change(id, event) } : line);
  }

  // Returns the event id. Throws Refused unless one of our secrets has signed this body within the tolerance.
  verify(headers, body) {
    const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((part) => headers[`webhook-${part}`]);
    if (!id || !timestamp || !signatures) throw new Refused(400, 'a webhook header is missing');
    if (!/^[0-9]{1,11}$/.test(timestamp)) throw new Refused(400, 'the timestamp is not a number');
    if (!this.isRecent(Number(timestamp))) throw new Refused(400, 'the timestamp is too old or in the future');
    const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
    if (!this.isSigned(content, signatures)) throw new Refused(400, 'no signature is valid');
    return id;
  }

  isRecent(timestamp) {
    return Math.abs(this.clock() - timestamp) <= TOLERANCE;
  }

  // Whether one of the signatures in the header is valid. Others, and other versions, do not matter.
  isSigned(content, header) {
    const sent = header.split(' ').filter((each) => each.startsWith('v1,')).map((each) => decode(each.slice(3)));
    const expected = this.keys.map((key) => createHmac('sha256', key).update(content).digest());
    return sent.some((one) => expected.some((other) => one.length === other.length && timingSafeEqual(one, other)));
  }

  // Returns the event. It may have members and words that we do not know. Throws Refused.
  read(body) {
    let event = null;
    try {
      event = JSON.parse(body.toString('utf8'));
    } catch {} // not JSON
    const texts = [event?.type, event?.subject?.type, event?.subject?.id];
    const isEvent = texts.every((text) => typeof text === 'string') && event.sequence > 0;
    if (isEvent && Number.isSafeInteger(event.sequence) && event.data && typeof event.data === 'object') return event;
    throw new Refused(400, 'the body is not an event');
  }

  // Whether the event was not received in the last 30 days. It is delivered at least once, so perhaps again.
  isNew(id) {
    const at = this.events.get(id);
    return at === undefined || at < this.clock() - REMEMBERED;
  }

  // Whether no later event of the same subject was received. Gaps are normal: we may not have all topics.
  isNext(subject, event) {
    return event.sequence > (this.sequences.get(subject) ?? 0);
  }

  // Returns what we do about an event. Work that takes longer, such as an email, is done later: the gateway waits.
  change(id, { type, subject, data }) {
    if (type === 'consent.revoked' || type === 'consent.expired') return { effect: id, drop: subject.id };
    if (type.startsWith('consent.')) { // after consent.narrowed read the consent with the API before its next use
      return { effect: id, keep: [subject.id, { user: data.subject, scopes: data.scopes }] };
    }
    if (type.startsWith('decision.')) {
      return { effect: id, keep: [subject.id, { merchantReference: data.merchantReference, status: data.to }] };
    }
    return type.startsWith('dispute.') ? { effect: id } : {}; // a topic that we do not know, or do nothing about
  }

  // Appends the line, waits for the disk, and applies it in memory. No other event is handled meanwhile.
  write(line) {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      if (fs.writeSync(this.journal, bytes, 0, bytes.length, this.length) !== bytes.length) throw new Error('disk full');
      fs.fdatasyncSync(this.journal);
    } catch (error) {
      fs.ftruncateSync(this.journal, this.length); // the gateway sends the event again
      throw error;
    }
    this.length += bytes.length;
    this.replay(line);
    if (line.drop) this.compact(); // what we dropped must not stay in older lines
  }

  replay({ id, at, subject, sequence, effect, keep, drop }) {
    if (id) this.events.set(id, at);
    if (subject) this.sequences.set(subject, sequence);
    if (effect) this.effects.set(effect, (this.effects.get(effect) ?? 0) + 1);
    if (keep) this.records.set(...keep);
    if (drop) this.records.delete(drop);
  }

  // Replaces the journal by one with the present state, without the ids of events that are older than 30 days.
  compact() {
    for (const id of [...this.events.keys()].filter((each) => this.isNew(each))) this.events.delete(id);
    const lines = [
      ...[...this.events].map(([id, at]) => ({ id, at })),
      ...[...this.sequences].map(([subject, sequence]) => ({ subject, sequence })),
      ...[...this.records].map((keep) => ({ keep })),
      ...[...this.effects].flatMap(([id, count]) => Array(count).fill({ effect: id })),
    ];
    const draft = fs.openSync(`${this.file}.draft`, 'w', 0o600);
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    fs.writeFileSync(draft, text);
    fs.fsyncSync(draft);
    fs.renameSync(`${this.file}.draft`, this.file);
    const folder = fs.openSync(dirname(this.file));
    fs.fsyncSync(folder); // or the new name could be lost
    fs.closeSync(folder);
    if (this.journal !== undefined) fs.closeSync(this.journal);
    [this.journal, this.length] = [draft, Buffer.byteLength(text)];
  }
}

// Returns the bytes of a text in base64, none if it is not base64: as a signature it equals no other.
function decode(text) {
  return Buffer.from(BASE64.test(text) ? text : '', 'base64');
}

export function serverOf(receiver) {
  return createServer({ requestTimeout: 10_000 }, (request, response) => {
    const respond = (status, content) => {
      const body = content === undefined ? '' : JSON.stringify(content);
      response.writeHead(status, content === undefined ? {} : { 'content-type': 'application/json' }).end(body);
    };
    if (request.method === 'GET' && request.url === '/effects') {
      respond(200, { effects: Object.fromEntries(receiver.effects) });
      return;
    }
    if (request.method !== 'POST' || request.url !== '/webhooks') {
      respond(404);
      return;
    }
    const chunks = [];
    let length = 0;
    request.on('data', (chunk) => {
      length += chunk.length;
      if (length <= LONGEST_BODY) chunks.push(chunk);
      if (length > DISCARDED) request.destroy();
    });
    request.on('end', () => {
      try {
        if (length > LONGEST_BODY) throw new Refused(413, 'the body is too long');
        receiver.receive(request.headers, Buffer.concat(chunks));
        respond(204);
      } catch (error) {
        if (error instanceof Refused) respond(error.status, { error: error.message });
        else respond(503); // nothing was written: the gateway sends the event again
      }
    });
    request.on('error', () => {}); // the connection was lost; the gateway sends the event again
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const secrets = (process.env.WEBHOOK_SECRETS ?? '').split(' ').filter(Boolean);
  let receiver;
  try {
    receiver = new Receiver(process.argv[2], secrets);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error('WEBHOOK_SECRETS must be one or two secrets: whsec_ and base64 of at least 24 bytes.');
    process.exit(1);
  }
  const server = serverOf(receiver);
  server.listen(Number(process.argv[3] ?? 9100), '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${server.address().port}/webhooks`);
  });
}
