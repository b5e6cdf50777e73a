// Reads and writes of the measured operations: one connection, prepared statements, full durability.
import { hash } from 'node:crypto'

import Database from 'better-sqlite3'

import { decisionOf, evaluate, LIMIT_EXCEEDED } from './decisions.mjs'

const VIEWER = `
  SELECT tokens.client_id AS clientId, clients.merchant_id AS merchantId, tokens.consent_id AS consentId,
    consents.user_id AS userId
  FROM tokens JOIN clients ON clients.id = tokens.client_id LEFT JOIN consents ON consents.id = tokens.consent_id
  WHERE tokens.digest = ? AND tokens.revoked_at IS NULL AND tokens.expires_at > ? AND clients.active
    AND (tokens.consent_id IS NULL OR (consents.withdrawn_at IS NULL AND consents.expires_at > ?))`
const DECISION = 'SELECT id, reference, product, status, created_at, outcome, due FROM decisions'
const PRODUCT = 'DEPOSIT_WAIVER'
const RESERVE = `
  UPDATE consents SET open_decisions = open_decisions + 1, committed = committed + ?
  WHERE id = ? AND committed + ? <= credit_limit`

/** Returns a connection as all peers use it: WAL, each commit synchronised, a page cache of 16,000 KiB. */
export function connect (file) {
  const connection = new Database(file)
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('cache_size = -16000')
  return connection
}

/** The data of the peers. All times are Unix seconds, all amounts minor units. */
export class Store {
  constructor (file) {
    this.connection = connect(file)
    const prepare = (sql) => this.connection.prepare(sql)
    this.viewer = prepare(VIEWER)
    this.tier = prepare('SELECT tier, rank FROM users WHERE id = ?')
    this.merchantName = prepare('SELECT name FROM merchants WHERE id = ?').pluck()
    // Rows as arrays are faster than objects.
    this.page = prepare(`${DECISION} WHERE merchant_id = ? ORDER BY id DESC LIMIT ?`).raw()
    this.decision = prepare(`${DECISION} WHERE id = ?`).raw()
    this.idempotency = prepare('SELECT digest, decision_id FROM idempotency WHERE client_id = ? AND key = ?')
    this.reserve = prepare(RESERVE)
    this.addAccess = prepare('INSERT INTO accesses (client_id, consent_id, user_id, kind, at) VALUES (?, ?, ?, ?, ?)')
    this.addDecision = prepare(`
      INSERT INTO decisions (merchant_id, consent_id, user_id, reference, product, status, created_at, outcome, due)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.addEvent = prepare('INSERT INTO events (decision_id, kind, at, body) VALUES (?, ?, ?, ?)')
    this.addMessage = prepare('INSERT INTO outbox (merchant_id, decision_id, body, at) VALUES (?, ?, ?, ?)')
    this.addIdempotency = prepare('INSERT INTO idempotency (client_id, key, digest, decision_id) VALUES (?, ?, ?, ?)')
    /** Runs `request` in one transaction. */
    this.requestDecision = this.connection.transaction(this.request.bind(this)).immediate
  }

  close () {
    this.connection.close()
  }

  /** Returns client, merchant, consent and user of a bearer token, or undefined if the token is not valid now. */
  authenticate (authorization) {
    if (!authorization?.startsWith('Bearer ')) return undefined
    const now = unixTime()
    return this.viewer.get(hash('sha256', authorization.slice(7), 'buffer'), now, now)
  }

  /** Returns the tier of the viewer's user, after the access has been committed. */
  readTier ({ clientId, consentId, userId }) {
    const tier = this.tier.get(userId)
    this.addAccess.run(clientId, consentId, userId, 'TIER', unixTime())
    return tier
  }

  /** Returns the newest decisions of a merchant, as DecisionConnection. */
  readDecisions (merchantId, first) {
    const rows = this.page.all(merchantId, first + 1)
    const hasNextPage = rows.length > first
    if (hasNextPage) rows.pop()
    const nodes = rows.map(decisionOf)
    return { nodes, pageInfo: { hasNextPage, endCursor: nodes.at(-1)?.id ?? null } }
  }

  /** Decides on a DecisionRequestInput. Returns `decision` and `replayed`; `decision` is null if the idempotency key
   * was used with another input. */
  request ({ clientId, merchantId, consentId, userId }, input) {
    const now = unixTime()
    const request = JSON.stringify([consentId, input])
    const digest = hash('sha256', request, 'buffer')
    const earlier = this.idempotency.get(clientId, input.idempotencyKey)
    if (earlier) {
      if (!earlier.digest.equals(digest)) return { decision: null, replayed: false }
      return { decision: decisionOf(this.decision.get(earlier.decision_id)), replayed: true }
    }
    const { merchantReference: reference } = input
    const { status, outcome, due } = this.decide(consentId, input, now)
    const result = JSON.stringify(outcome)
    const { lastInsertRowid: id } = this.addDecision.run(
      merchantId, consentId, userId, reference, PRODUCT, status, now, result, due
    )
    this.addEvent.run(id, 'REQUESTED', now, request)
    this.addEvent.run(id, status, now, result)
    this.addMessage.run(merchantId, id, result, now)
    this.addIdempotency.run(clientId, input.idempotencyKey, digest, id)
    this.addAccess.run(clientId, consentId, userId, 'DECISION', now)
    return { decision: decisionOf([id, reference, PRODUCT, status, now, result, due]), replayed: false }
  }

  /** Returns status, outcome and due amount, after the credit limit has been reserved for an approval. */
  decide (consentId, input, now) {
    const assessment = evaluate(input.ask.carRental, now)
    if (assessment.status === 'DECLINED') return assessment
    const { changes } = this.reserve.run(assessment.due, consentId, assessment.due)
    return changes === 1 ? assessment : LIMIT_EXCEEDED
  }
}

function unixTime () {
  return Math.trunc(Date.now() / 1000)
}
