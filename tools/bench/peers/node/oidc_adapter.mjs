// Storage of node-oidc-provider: an adapter over one table in SQLite.
import { connect } from './store.mjs'

const TABLE = `
  CREATE TABLE IF NOT EXISTS oidc_records (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, user_code TEXT,
    expires_at INTEGER, consumed_at INTEGER, PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS oidc_records_of_grant ON oidc_records (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_records_by_uid ON oidc_records (uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_records_by_user_code ON oidc_records (user_code) WHERE user_code IS NOT NULL;`
const FIND = `
  SELECT payload, consumed_at FROM oidc_records
  WHERE model = @model AND (expires_at IS NULL OR expires_at > unixepoch()) AND`
const UPSERT = `
  INSERT INTO oidc_records (model, id, payload, grant_id, uid, user_code, expires_at)
  VALUES (@model, @id, @payload, @grantId, @uid, @userCode, unixepoch() + @expiresIn)
  ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
    user_code = excluded.user_code, expires_at = excluded.expires_at`

/** Returns a connection and a function that makes the adapter of a model. */
export function openRecords (file) {
  const connection = connect(file)
  connection.exec(TABLE)
  const statements = {
    find: connection.prepare(`${FIND} id = @id`),
    findByUid: connection.prepare(`${FIND} uid = @id`),
    findByUserCode: connection.prepare(`${FIND} user_code = @id`),
    upsert: connection.prepare(UPSERT),
    destroy: connection.prepare('DELETE FROM oidc_records WHERE model = ? AND id = ?'),
    consume: connection.prepare('UPDATE oidc_records SET consumed_at = unixepoch() WHERE model = ? AND id = ?'),
    revoke: connection.prepare('DELETE FROM oidc_records WHERE model = ? AND grant_id = ?')
  }
  return { connection, adapter: (model) => new Adapter(model, statements) }
}

/** The interface that node-oidc-provider expects. Each call that writes is a transaction of its own. */
class Adapter {
  constructor (model, statements) {
    this.model = model
    this.statements = statements
  }

  async upsert (id, payload, expiresIn = null) {
    const { grantId = null, uid = null, userCode = null } = payload
    const text = JSON.stringify(payload)
    this.statements.upsert.run({ model: this.model, id, payload: text, grantId, uid, userCode, expiresIn })
  }

  async find (id) {
    return this.read('find', id)
  }

  async findByUid (uid) {
    return this.read('findByUid', uid)
  }

  async findByUserCode (userCode) {
    return this.read('findByUserCode', userCode)
  }

  async consume (id) {
    this.statements.consume.run(this.model, id)
  }

  async destroy (id) {
    this.statements.destroy.run(this.model, id)
  }

  async revokeByGrantId (grantId) {
    this.statements.revoke.run(this.model, grantId)
  }

  read (statement, id) {
    const row = this.statements[statement].get({ model: this.model, id })
    if (!row) return undefined
    const payload = JSON.parse(row.payload)
    return row.consumed_at === null ? payload : { ...payload, consumed: row.consumed_at }
  }
}
