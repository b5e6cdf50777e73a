// openid-client against a live sandbox, with a fapi2 client: node openid_client.mjs CREDENTIALS
import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import { assertChallenged, assertRejected, check, clientOf, end, SCORE, signingKey } from './checks.mjs';
import { ask, connect, getDecision, issuer, newDPoPHandle, person, pushRequest, tokensFor } from './partner.mjs';

const own = clientOf('car_rental', 'fapi2');
const other = clientOf('online_shop', 'fapi2');
const { redirect_uri } = own;
const log = [];

const config = await check('discovers the server', async () => {
  const result = await connect(own, { log });
  assert.equal(result.serverMetadata().issuer, issuer.origin);
  assert.ok(result.serverMetadata().supportsPKCE());
  assert.equal(result.serverMetadata().require_pushed_authorization_requests, true);
  return result;
});
const foreign = await connect(other);
const DPoP = await newDPoPHandle(config);

await check('the issuer does not depend on the host of the request', async () => {
  const alias = new URL(issuer.href.replace('127.0.0.1', 'localhost'));
  const result = oauth.discovery(alias, own.client_id, undefined, undefined, {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
  });
  const error = await result.then(() => assert.fail('accepted'), (reason) => reason);
  assert.equal(error.code, 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED');
});

await check('the address of a pushed request has client_id and request_uri only', async () => {
  const { address } = await pushRequest(config, redirect_uri);
  assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri']);
});

const first = await check('the customer allows the request: the callback has code, state and iss', async () => {
  const granted = await getDecision(config, redirect_uri);
  assert.equal(granted.callback.origin + granted.callback.pathname, redirect_uri);
  assert.deepEqual([...granted.callback.searchParams.keys()].sort(), ['code', 'iss', 'state']);
  return granted;
});

await check('the library rejects a callback without iss, which the metadata announces', async () => {
  const bare = new URL(first.callback);
  bare.searchParams.delete('iss');
  const error = await oauth.authorizationCodeGrant(config, bare, first.checks, undefined, { DPoP }).then(
    () => assert.fail('accepted'), (reason) => reason);
  assert.match(error.cause?.message ?? error.message, /iss/);
});

const tokens = await check('redeems the code for tokens, after one request for a nonce', async () => {
  log.length = 0;
  const granted = await oauth.authorizationCodeGrant(config, first.callback, first.checks, undefined, { DPoP });
  assert.deepEqual(log.map((request) => request.status), [400, 200]);
  assert.equal(granted.token_type, 'dpop');
  assert.equal(granted.expires_in, 300);
  assert.ok(granted.refresh_token);
  return granted;
});

await check('the token response has the granted details', () =>
  assert.deepEqual(tokens.authorization_details, [SCORE]));
await check('the scope contains the scopes of the details', () =>
  assert.ok(tokens.scope.split(' ').includes('score:tier')));

await check('reads the tier with the nonce of the token endpoint', async () => {
  log.length = 0;
  const response = await ask(config, tokens.access_token, DPoP);
  assert.equal(response.data.consentedUser.scoreTier.tier, 'EXCELLENT');
  assert.deepEqual(log.map((request) => request.status), [200]);
});

await check('the API asks for a nonce once', async () => {
  // A second handle with the same key pair has no nonce.
  const pair = await oauth.randomDPoPKeyPair('ES256');
  const granted = await tokensFor(config, redirect_uri, oauth.getDPoPHandle(config, pair));
  log.length = 0;
  const response = await ask(config, granted.access_token, oauth.getDPoPHandle(config, pair));
  assert.equal(response.data.consentedUser.scoreTier.tier, 'EXCELLENT');
  assert.deepEqual(log.map((request) => request.status), [401, 200]);
});

await check('a bound token is rejected as a bearer token', () =>
  assertChallenged(ask(config, tokens.access_token), 'bearer', 'invalid_token'));
await check('a bound token is rejected with a proof of another key', async () =>
  assertChallenged(ask(config, tokens.access_token, await newDPoPHandle(config)), 'dpop', 'invalid_token'));

for (const [alg, name] of [['ES256', 'ES256'], ['PS256', 'PS256'], ['Ed25519', 'Ed25519'], ['Ed25519', 'EdDSA']]) {
  await check(`proofs in ${name} work for tokens and at the API`, async () => {
    const handle = await newDPoPHandle(config, alg, name);
    const granted = await tokensFor(config, redirect_uri, handle);
    assert.equal(granted.token_type, 'dpop');
    assert.equal((await ask(config, granted.access_token, handle)).data.consentedUser.scoreTier.tier, 'EXCELLENT');
    const seen = await oauth.tokenIntrospection(config, granted.access_token);
    assert.equal(seen.cnf.jkt, await handle.calculateThumbprint());
  });
}

await check('a token request without a proof is rejected, and does not use up the code', async () => {
  const { callback, checks } = await getDecision(config, redirect_uri);
  await assertRejected(oauth.authorizationCodeGrant(config, callback, checks), 'invalid_dpop_proof', 400);
  assert.equal((await oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })).token_type, 'dpop');
});

await check('refreshes repeatedly; the refresh token stays the same', async () => {
  const seen = new Set([tokens.access_token]);
  for (let round = 0; round < 3; round += 1) {
    const granted = await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
    assert.ok([undefined, tokens.refresh_token].includes(granted.refresh_token));
    assert.equal((await ask(config, granted.access_token, DPoP)).status, 200);
    seen.add(granted.access_token);
  }
  assert.equal(seen.size, 4);
});

await check('refreshes with another proof key: the new token is bound to that key', async () => {
  const handle = await newDPoPHandle(config);
  const granted = await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: handle });
  assert.equal((await ask(config, granted.access_token, handle)).status, 200);
  await assertChallenged(ask(config, granted.access_token, DPoP), 'dpop', 'invalid_token');
});

await check('refreshes to a narrower scope, which the API enforces', async () => {
  const less = { scope: 'score:threshold' };
  const granted = await oauth.refreshTokenGrant(config, tokens.refresh_token, less, { DPoP });
  assert.equal(granted.scope, 'score:threshold');
  const response = await ask(config, granted.access_token, DPoP);
  assert.equal(response.errors[0].extensions.code, 'FORBIDDEN');
});

await check('refreshing to a wider scope is rejected', () => {
  const more = { scope: 'score:exact' };
  return assertRejected(oauth.refreshTokenGrant(config, tokens.refresh_token, more, { DPoP }), 'invalid_scope', 400);
});
await check('a foreign client cannot refresh, and its attempt has no effect', async () => {
  const handle = await newDPoPHandle(foreign);
  const attempt = oauth.refreshTokenGrant(foreign, tokens.refresh_token, undefined, { DPoP: handle });
  await assertRejected(attempt, 'invalid_grant', 400);
  assert.ok((await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })).access_token);
});

await check('introspects its own token', async () => {
  const seen = await oauth.tokenIntrospection(config, tokens.access_token);
  assert.equal(seen.active, true);
  assert.equal(seen.client_id, own.client_id);
  assert.equal(seen.iss, issuer.origin);
  assert.equal(seen.token_type, 'DPoP');
  assert.deepEqual(seen.authorization_details, [SCORE]);
  assert.ok(seen.sub && seen.exp > seen.iat);
});
await check('introspection of a foreign token returns inactive', async () =>
  assert.deepEqual({ ...(await oauth.tokenIntrospection(foreign, tokens.access_token)) }, { active: false }));

await check('a code can be used once, and a replay revokes its tokens', async () => {
  const { callback, checks } = await getDecision(config, redirect_uri);
  const granted = await oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP });
  assert.equal((await ask(config, granted.access_token, DPoP)).status, 200);
  await assertRejected(
    oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP }), 'invalid_grant', 400);
  await assertChallenged(ask(config, granted.access_token, DPoP), 'dpop', 'invalid_token');
  await assertRejected(
    oauth.refreshTokenGrant(config, granted.refresh_token, undefined, { DPoP }), 'invalid_grant', 400);
});

await check('a wrong code_verifier is rejected', async () => {
  const { callback, checks } = await getDecision(config, redirect_uri);
  const wrong = { ...checks, pkceCodeVerifier: oauth.randomPKCECodeVerifier() };
  await assertRejected(
    oauth.authorizationCodeGrant(config, callback, wrong, undefined, { DPoP }), 'invalid_grant', 400);
});

await check("a foreign client cannot redeem a code, and its attempt does not use it up", async () => {
  const { callback, checks } = await getDecision(config, redirect_uri);
  const handle = await newDPoPHandle(foreign);
  const attempt = oauth.authorizationCodeGrant(foreign, callback, checks, undefined, { DPoP: handle });
  await assertRejected(attempt, 'invalid_grant', 400);
  assert.ok((await oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })).access_token);
});

await check('a code is bound to the key of the pushed request', async () => {
  const { callback, checks } = await getDecision(config, redirect_uri, { DPoP });
  const handle = await newDPoPHandle(config);
  const attempt = oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP: handle });
  await assertRejected(attempt, 'invalid_grant', 400);
  assert.ok((await oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })).access_token);
});

await check('a request_uri can be used for one decision', async () => {
  const { address, browser } = await getDecision(config, redirect_uri);
  const again = await browser.open(address);
  assert.equal(again.status, 400);
  assert.equal(new URL(again.url).origin, issuer.origin);
});

await check('a denial reaches the client with state and iss', async () => {
  const { callback, checks } = await getDecision(config, redirect_uri, { decision: 'deny' });
  assert.equal(callback.searchParams.get('state'), checks.expectedState);
  assert.equal(callback.searchParams.get('iss'), issuer.origin);
  await assertRejected(oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP }), 'access_denied');
});

await check('unknown details are rejected', () => assertRejected(
  pushRequest(config, redirect_uri, { authorization_details: '[{"type": "score", "level": "é\\"ntire"}]' }),
  'invalid_authorization_details', 400));
await check('an unknown scope is rejected', () =>
  assertRejected(pushRequest(config, redirect_uri, { scope: 'everything' }), 'invalid_scope', 400));
await check('PKCE with the plain method is rejected', () =>
  assertRejected(pushRequest(config, redirect_uri, { code_challenge_method: 'plain' }), 'invalid_request', 400));
await check('an unregistered redirect_uri is rejected', () =>
  assertRejected(pushRequest(config, `${redirect_uri}/more`), 'invalid_request', 400));

const rejections = {
  'a key that is not registered': { key: (await oauth.randomDPoPKeyPair('ES256')).privateKey },
  "another client's key": { key: await signingKey(other.private_jwk), kid: other.private_jwk.kid },
  'an unknown kid': { kid: 'unknown' },
  'the token endpoint as audience': { claims: { aud: config.serverMetadata().token_endpoint } },
  'the issuer in a list as audience': { claims: { aud: [issuer.origin] } },
  'another issuer than subject': { claims: { iss: other.client_id } },
  'a lifetime of a day': { claims: { exp: Math.trunc(Date.now() / 1000) + 86400 } },
};
for (const [what, changes] of Object.entries(rejections)) {
  await check(`an assertion with ${what} is rejected`, async () =>
    assertRejected(pushRequest(await connect(own, changes), redirect_uri), 'invalid_client', 401));
}
await check('an assertion can be used once', async () => {
  const config = await connect(own, { claims: { jti: oauth.randomState() } });
  await pushRequest(config, redirect_uri);
  await assertRejected(pushRequest(config, redirect_uri), 'invalid_client', 401);
});
for (const [seconds, fits] of [[8, true], [-300, false], [120, false]]) {
  await check(`a clock that is ${seconds} seconds ahead is ${fits ? 'accepted' : 'rejected'}`, async () => {
    const config = await connect(own, { metadata: { [oauth.clockSkew]: seconds } });
    if (!fits) await assertRejected(pushRequest(config, redirect_uri), 'invalid_client', 401);
    else assert.ok((await pushRequest(config, redirect_uri)).address);
  });
}

await check('client credentials give a bound merchant token without a user', async () => {
  const granted = await oauth.clientCredentialsGrant(config, { scope: 'decisions:read' }, { DPoP });
  assert.equal(granted.token_type, 'dpop');
  assert.equal(granted.scope, 'decisions:read');
  assert.equal(granted.refresh_token, undefined);
  const query = JSON.stringify({ query: '{ viewer { merchant { name } } consentedUser { id } }' });
  const response = await ask(config, granted.access_token, DPoP, query);
  assert.equal(response.data.viewer.merchant.name, 'Demo Car Rental');
  assert.equal(response.data.consentedUser, null);
});

await check('a revoked access token ends at once, and its refresh token stays valid', async () => {
  const granted = await tokensFor(config, redirect_uri, DPoP);
  await oauth.tokenRevocation(config, granted.access_token);
  await assertChallenged(ask(config, granted.access_token, DPoP), 'dpop', 'invalid_token');
  assert.ok((await oauth.refreshTokenGrant(config, granted.refresh_token, undefined, { DPoP })).access_token);
});
await check('a foreign token cannot be revoked', async () => {
  const granted = await tokensFor(config, redirect_uri, DPoP);
  await assertRejected(oauth.tokenRevocation(foreign, granted.access_token), 'invalid_grant', 400);
  assert.equal((await ask(config, granted.access_token, DPoP)).status, 200);
});
await check('revoking a refresh token revokes its access tokens', async () => {
  await oauth.tokenRevocation(config, tokens.refresh_token, { token_type_hint: 'odd' });
  await assertChallenged(ask(config, tokens.access_token, DPoP), 'dpop', 'invalid_token');
  assert.deepEqual({ ...(await oauth.tokenIntrospection(config, tokens.refresh_token)) }, { active: false });
  await assertRejected(
    oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }), 'invalid_grant', 400);
});
await check('revoking an unknown token is not an error', async () => {
  log.length = 0;
  await oauth.tokenRevocation(config, 'never');
  assert.deepEqual(log.map((request) => request.status), [200]);
});

await check('a token is about the persona who consented', async () => {
  const granted = await tokensFor(config, redirect_uri, DPoP, { browser: person('good') });
  assert.equal((await ask(config, granted.access_token, DPoP)).data.consentedUser.scoreTier.tier, 'GOOD');
});

end();
