// Clients that register themselves by openid-client, with keys of every kind: node registration.mjs CREDENTIALS TOKENS
// TOKENS is a file with initial access tokens of the car rental: `wide` allow all scopes, `narrow` the default ones.
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import { assertChallenged, assertRejected, check, clientOf, end } from './checks.mjs';
import {
  ask, authentication, connect, getDecision, issuer, newDPoPHandle, overHttp, pushRequest, tokensFor,
} from './partner.mjs';

const { wide, narrow } = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const { redirect_uri } = clientOf('car_rental', 'fapi2');
const EVERYTHING = 'score:exact decisions:request decisions:read';

/** Returns a new key pair as JWKs. `modulusLength` is the length of an RSA key in bits. */
async function keys(alg, kid = 'first', modulusLength = 2048) {
  const how = {
    ES256: { name: 'ECDSA', namedCurve: 'P-256' },
    PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength, publicExponent: Uint8Array.of(1, 0, 1) },
    Ed25519: { name: 'Ed25519' },
  }[alg];
  const pair = await crypto.subtle.generateKey(how, true, ['sign', 'verify']);
  const [secret, open] = await Promise.all(
    [pair.privateKey, pair.publicKey].map((key) => crypto.subtle.exportKey('jwk', key)));
  for (const jwk of [secret, open]) for (const member of ['key_ops', 'ext', 'alg']) delete jwk[member];
  return { private_jwk: { ...secret, kid }, public_jwk: { ...open, kid } };
}

const metadataFor = (public_jwk, changed = {}) => ({
  client_name: 'A client of its own',
  redirect_uris: [redirect_uri],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  response_types: ['code'],
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [public_jwk] },
  scope: EVERYTHING,
  authorization_details_types: ['score', 'decision'],
  dpop_bound_access_tokens: true,
  ...changed,
});

const register = (metadata, initialAccessToken, proof) =>
  oauth.dynamicClientRegistration(issuer, metadata, proof, { initialAccessToken, ...overHttp() });

const clients = [];
for (const [alg, name] of [['PS256', 'PS256'], ['Ed25519', 'Ed25519'], ['Ed25519', 'EdDSA'], ['ES256', 'ES256']]) {
  const pair = await keys(alg);
  const config = await check(`registers a client that signs with ${name}`, async () => {
    const proof = await authentication(pair, { alg: name });
    const metadata = metadataFor(pair.public_jwk, { token_endpoint_auth_signing_alg: name });
    const result = await register(metadata, wide[clients.length], proof);
    const client = result.clientMetadata();
    assert.equal(client.client_secret, undefined);
    assert.equal(client.awaiting_approval, undefined);
    assert.equal(client.token_endpoint_auth_method, 'private_key_jwt');
    assert.deepEqual(new Set(client.scope.split(' ')), new Set(EVERYTHING.split(' ')));
    const shown = client.jwks.keys.map((key) => [key.kty, key.kid, key.d]);
    assert.deepEqual(shown, [[pair.public_jwk.kty, 'first', undefined]]);
    assert.ok(client.registration_access_token);
    return result;
  });
  clients.push({ config, pair });
  await check(`it gets, uses, refreshes and revokes tokens, with proofs in ${name}`, async () => {
    const DPoP = await newDPoPHandle(config, alg, name);
    const tokens = await tokensFor(config, redirect_uri, DPoP);
    assert.equal(tokens.token_type, 'dpop');
    const again = await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
    assert.equal((await ask(config, again.access_token, DPoP)).data.consentedUser.scoreTier.tier, 'EXCELLENT');
    assert.equal((await oauth.tokenIntrospection(config, again.access_token)).active, true);
    assert.equal((await oauth.clientCredentialsGrant(config, undefined, { DPoP })).scope, 'decisions:read');
    const denied = await getDecision(config, redirect_uri, { decision: 'deny' });
    await assertRejected(oauth.authorizationCodeGrant(config, denied.callback, denied.checks), 'access_denied');
    await oauth.tokenRevocation(config, tokens.refresh_token);
    await assertChallenged(ask(config, again.access_token, DPoP), 'dpop', 'invalid_token');
  });
  await check(`it is rejected with another key of the same type (${name})`, async () => {
    const { private_jwk } = await keys(alg);
    const stranger = await connect({ client_id: config.clientMetadata().client_id, private_jwk }, { alg: name });
    await assertRejected(pushRequest(stranger, redirect_uri), 'invalid_client', 401);
  });
}

const { public_jwk, private_jwk } = await keys('ES256');
await check('an initial access token can be used once', () =>
  assertChallenged(register(metadataFor(public_jwk), wide[0]), 'bearer', 'invalid_token'));
await check('an unknown initial access token is rejected', () =>
  assertChallenged(register(metadataFor(public_jwk), 'unknown'), 'bearer', 'invalid_token'));
await check('a registration without an initial access token is rejected without an error code', () =>
  assertChallenged(register(metadataFor(public_jwk), undefined), 'bearer'));

const spare = wide[clients.length];
const REJECTIONS = {
  'a redirect to plain http': [{ redirect_uris: ['http://shop.example/back'] }, 'invalid_redirect_uri'],
  'a redirect to a script': [{ redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
  'a redirect with a wildcard': [{ redirect_uris: ['https://*.shop.example/back'] }, 'invalid_redirect_uri'],
  'a redirect with a fragment': [{ redirect_uris: ['https://shop.example/back#part'] }, 'invalid_redirect_uri'],
  'the code grant without a redirect': [{ redirect_uris: [] }, 'invalid_redirect_uri'],
  'a secret': [{ token_endpoint_auth_method: 'client_secret_basic' }],
  'a private key': [{ jwks: { keys: [private_jwk] } }],
  'a short RSA key': [{ jwks: { keys: [(await keys('PS256', 'short', 1024)).public_jwk] } }],
  'keys at an address': [{ jwks: undefined, jwks_uri: 'https://shop.example/keys' }],
  'keys here and at an address': [{ jwks_uri: 'https://shop.example/keys' }],
  'an algorithm that does not fit the key': [{ token_endpoint_auth_signing_alg: 'PS256' }],
  'the password grant': [{ grant_types: ['password'] }],
  'bearer tokens': [{ dpop_bound_access_tokens: false }],
  'a scope of the wrong type': [{ scope: 5 }],
  'redirects of the wrong type': [{ redirect_uris: redirect_uri }],
};
for (const [name, [changed, code]] of Object.entries(REJECTIONS)) {
  await check(`a registration with ${name} is rejected`, () =>
    assertRejected(register(metadataFor(public_jwk, changed), spare), code ?? 'invalid_client_metadata', 400));
}
await check('a rejected registration does not use up its token; unknown members are ignored', async () => {
  const result = await register(metadataFor(public_jwk, { logo_uri: 'https://shop.example/logo.png' }), spare);
  assert.ok(result.clientMetadata().client_id);
  assert.equal(result.clientMetadata().logo_uri, undefined);
});

await check('a scope beyond the invitation cannot be used before it is approved', async () => {
  const result = await register(metadataFor(public_jwk), narrow[0], await authentication({ private_jwk }));
  const metadata = result.clientMetadata();
  assert.ok(!metadata.scope.split(' ').includes('score:exact'));
  assert.ok(metadata.awaiting_approval.scope.split(' ').includes('score:exact'));
  const push = (scope) => pushRequest(result, redirect_uri, { scope, authorization_details: '' });
  await assertRejected(push('score:exact'), 'invalid_scope', 400);
  assert.ok((await push('decisions:request')).address);
});

// Management (RFC 7592) with plain requests, because the library does not support it.
async function manage(method, { registration_client_uri, registration_access_token }, metadata) {
  const body = metadata && JSON.stringify(metadata);
  const headers = { authorization: `Bearer ${registration_access_token}`, 'content-type': 'application/json' };
  const response = await fetch(registration_client_uri, { method, headers, body });
  return { status: response.status, body: response.status === 204 ? undefined : await response.json() };
}
const [first, second] = clients.map((one) => one.config?.clientMetadata() ?? {});

await check('a client reads its registration', async () => {
  const { status, body } = await manage('GET', first);
  assert.equal(status, 200);
  assert.equal(body.client_id, first.client_id);
});
await check('a client cannot read the registration of another client', async () => {
  const foreign = { ...first, registration_access_token: second.registration_access_token };
  assert.equal((await manage('GET', foreign)).status, 401);
});
await check('a client changes its key: the new key works at once, the old key no longer', async () => {
  const pair = await keys('ES256', 'second');
  const metadata = { client_id: first.client_id, ...metadataFor(pair.public_jwk) };
  assert.equal((await manage('PUT', first, metadata)).status, 200);
  assert.ok((await pushRequest(await connect({ ...first, ...pair }), redirect_uri)).address);
  await assertRejected(pushRequest(clients[0].config, redirect_uri), 'invalid_client', 401);
});
await check('deleting a client revokes its tokens', async () => {
  const { config } = clients[1];
  const DPoP = await newDPoPHandle(config);
  const { access_token } = await tokensFor(config, redirect_uri, DPoP);
  assert.equal((await ask(config, access_token, DPoP)).status, 200);
  assert.equal((await manage('DELETE', second)).status, 204);
  await assertChallenged(ask(config, access_token, DPoP), 'dpop', 'invalid_token');
  await assertRejected(pushRequest(config, redirect_uri), 'invalid_client', 401);
  assert.equal((await manage('GET', second)).status, 401);
});

end();
