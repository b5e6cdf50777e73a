// node-oidc-provider with DPoP and private_key_jwt, both with ES256, and an adapter over SQLite.
//
// Before it serves, it registers the client of the table token_clients and creates the grants of the table
// refresh_tokens, by the provider's own models.
import { generateKeyPairSync } from 'node:crypto'

import { Provider } from 'oidc-provider'

import { openRecords } from './oidc_adapter.mjs'
import { closeOnTermination, readOptions } from './process.mjs'

const SCOPE = 'score:tier'
const ACCOUNT = 'user'
const DAY = 86_400

const { port, database } = readOptions()
const { connection, adapter } = openRecords(database)
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter,
  clients: connection.prepare('SELECT id, jwks FROM token_clients').all().map(clientOf),
  clientAuthMethods: ['private_key_jwt'],
  enabledJWA: { clientAuthSigningAlgValues: ['ES256'], dPoPSigningAlgValues: ['ES256'] },
  features: { devInteractions: { enabled: false }, dPoP: { enabled: true } },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
  scopes: [SCOPE, 'offline_access'],
  ttl: { AccessToken: 3_600, Grant: 14 * DAY, RefreshToken: 14 * DAY }
})
const { id: clientId } = connection.prepare('SELECT id FROM token_clients').get()
for (const { token } of connection.prepare('SELECT token FROM refresh_tokens').all()) await createGrant(token)
const server = provider.listen(Number(port), '127.0.0.1')
server.keepAliveTimeout = 72_000
closeOnTermination(() => {
  server.close(() => { connection.close() })
  server.closeIdleConnections()
})

function clientOf ({ id, jwks }) {
  return {
    client_id: id,
    jwks: JSON.parse(jwks),
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    dpop_bound_access_tokens: true,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['https://client.example/callback']
  }
}

/** Stores a grant of the client and a refresh token with this text, as after an authorization code flow. */
async function createGrant (token) {
  const client = await provider.Client.find(clientId)
  const grant = new provider.Grant({ accountId: ACCOUNT, clientId })
  grant.addOIDCScope(SCOPE)
  const grantId = await grant.save()
  const refreshToken = new provider.RefreshToken({
    accountId: ACCOUNT, client, grantId, gty: 'authorization_code', jti: token, rotations: 0, scope: SCOPE
  })
  await refreshToken.save()
}
