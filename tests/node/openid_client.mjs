// openid-client against a live sandbox, with a fapi2 client: node openid_client.mjs CREDENTIALS
import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import { challenged, check, clientOf, end, refused, SCORE, signingKey } from './checks.mjs';
import { answered, ask, connect, issuer, person, prover, pushed, tokensFor } from './partner.mjs';

const own = clientOf('car_rental', 'fapi2');
const other = clientOf('online_shop', 'fapi2');
const { redirect_uri } = own;
const log = [];

const config = await check('discovers the server', async () => {
  const found = await connect(own, { log });
  assert.equal(found.serverMetadata().issuer, issuer.origin);
  assert.ok(found.serverMetadata().supportsPKCE());
  assert.equal(found.serverMetadata().require_pushed_authorization_requests, true);
  return found;
});
const foreign = await connect(other);
const DPoP = await prover(config);

await check('the issuer does not follow the address it is asked at', async () => {
  const alias = new URL(issuer.href.replace('127.0.0.1', 'localhost'));
  const found = oauth.discovery(alias, own.client_id, undefined, undefined, {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
  });
  const error = await found.then(() => assert.fail('accepted'), (reason) => reason);
  assert.equal(error.code, 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED');
});

await check('the address of a pushed request holds client_id and request_uri only', async () => {
  const { address } = await pushed(config, redirect_uri);
  assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri']);
});

const first = await check('the customer allows: code, state and iss come back', async () => {
  const given = await answered(config, redirect_uri);
  assert.equal(given.back.origin + given.back.pathname, redirect_uri);
  assert.deepEqual([...given.back.searchParams.keys()].sort(), ['code', 'iss', 'state']);
  return given;
});

await check('an answer without iss is refused, as the metadata promises one', async () => {
  const bare = new URL(first.back);
  bare.searchParams.delete('iss');
  const error = await oauth.authorizationCodeGrant(config, bare, first.checks, undefined, { DPoP }).then(
    () => assert.fail('accepted'), (reason) => reason);
  assert.match(error.cause?.message ?? error.message, /iss/);
});

const tokens = await check('redeems the code for tokens, after asking for a nonce once', async () => {
  log.length = 0;
  const given = await oauth.authorizationCodeGrant(config, first.back, first.checks, undefined, { DPoP });
  assert.deepEqual(log.map((request) => request.status), [400, 200]);
  assert.equal(given.token_type, 'dpop');
  assert.equal(given.expires_in, 300);
  assert.ok(given.refresh_token);
  return given;
});

await check('the granted details are echoed', () => assert.deepEqual(tokens.authorization_details, [SCORE]));
await check('the scope says what the details stand for', () =>
  assert.ok(tokens.scope.split(' ').includes('score:tier')));

await check('reads the tier; the nonce of the token endpoint is good there too', async () => {
  log.length = 0;
  const answer = await ask(config, tokens.access_token, DPoP);
  assert.equal(answer.data.consentedUser.scoreTier.tier, 'EXCELLENT');
  assert.deepEqual(log.map((request) => request.status), [200]);
});

await check('at the API, too, a nonce is asked for once', async () => {
  // The same key without a nonce: a handle over the same pair remembers none.
  const pair = await oauth.randomDPoPKeyPair('ES256');
  const given = await tokensFor(config, redirect_uri, oauth.getDPoPHandle(config, pair));
  log.length = 0;
  const answer = await ask(config, given.access_token, oauth.getDPoPHandle(config, pair));
  assert.equal(answer.data.consentedUser.scoreTier.tier, 'EXCELLENT');
  assert.deepEqual(log.map((request) => request.status), [401, 200]);
});

await check('a bound token as a bearer token is refused', () =>
  challenged(ask(config, tokens.access_token), 'bearer', 'invalid_token'));
await check('a bound token with a proof by another key is refused', async () =>
  challenged(ask(config, tokens.access_token, await prover(config)), 'dpop', 'invalid_token'));

for (const [alg, name] of [['ES256', 'ES256'], ['PS256', 'PS256'], ['Ed25519', 'Ed25519'], ['Ed25519', 'EdDSA']]) {
  await check(`proofs in ${name} work for tokens and at the API`, async () => {
    const handle = await prover(config, alg, name);
    const given = await tokensFor(config, redirect_uri, handle);
    assert.equal(given.token_type, 'dpop');
    assert.equal((await ask(config, given.access_token, handle)).data.consentedUser.scoreTier.tier, 'EXCELLENT');
    const seen = await oauth.tokenIntrospection(config, given.access_token);
    assert.equal(seen.cnf.jkt, await handle.calculateThumbprint());
  });
}

await check('a token request without a proof is refused, and the code lives on', async () => {
  const { back, checks } = await answered(config, redirect_uri);
  await refused(oauth.authorizationCodeGrant(config, back, checks), 'invalid_dpop_proof', 400);
  assert.equal((await oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP })).token_type, 'dpop');
});

await check('refreshes again and again; the refresh token stays', async () => {
  const seen = new Set([tokens.access_token]);
  for (let round = 0; round < 3; round += 1) {
    const given = await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
    assert.ok([undefined, tokens.refresh_token].includes(given.refresh_token));
    assert.equal((await ask(config, given.access_token, DPoP)).status, 200);
    seen.add(given.access_token);
  }
  assert.equal(seen.size, 4);
});

await check('refreshes with another proof key: the new token is bound to that one', async () => {
  const handle = await prover(config);
  const given = await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: handle });
  assert.equal((await ask(config, given.access_token, handle)).status, 200);
  await challenged(ask(config, given.access_token, DPoP), 'dpop', 'invalid_token');
});

await check('refreshes to less, which the API keeps to', async () => {
  const less = { scope: 'score:threshold' };
  const given = await oauth.refreshTokenGrant(config, tokens.refresh_token, less, { DPoP });
  assert.equal(given.scope, 'score:threshold');
  const answer = await ask(config, given.access_token, DPoP);
  assert.equal(answer.errors[0].extensions.code, 'FORBIDDEN');
});

await check('refreshing to more is refused', () => {
  const more = { scope: 'score:exact' };
  return refused(oauth.refreshTokenGrant(config, tokens.refresh_token, more, { DPoP }), 'invalid_scope', 400);
});
await check('a foreign client cannot refresh, and does no harm by trying', async () => {
  const handle = await prover(foreign);
  const tried = oauth.refreshTokenGrant(foreign, tokens.refresh_token, undefined, { DPoP: handle });
  await refused(tried, 'invalid_grant', 400);
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
await check('learns nothing about a foreign token', async () =>
  assert.deepEqual({ ...(await oauth.tokenIntrospection(foreign, tokens.access_token)) }, { active: false }));

await check('a code is good once, and a replay ends its tokens', async () => {
  const { back, checks } = await answered(config, redirect_uri);
  const given = await oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  assert.equal((await ask(config, given.access_token, DPoP)).status, 200);
  await refused(oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP }), 'invalid_grant', 400);
  await challenged(ask(config, given.access_token, DPoP), 'dpop', 'invalid_token');
  await refused(oauth.refreshTokenGrant(config, given.refresh_token, undefined, { DPoP }), 'invalid_grant', 400);
});

await check('a wrong code_verifier is refused', async () => {
  const { back, checks } = await answered(config, redirect_uri);
  const wrong = { ...checks, pkceCodeVerifier: oauth.randomPKCECodeVerifier() };
  await refused(oauth.authorizationCodeGrant(config, back, wrong, undefined, { DPoP }), 'invalid_grant', 400);
});

await check("a foreign client's code is refused and stays its owner's", async () => {
  const { back, checks } = await answered(config, redirect_uri);
  const tried = oauth.authorizationCodeGrant(foreign, back, checks, undefined, { DPoP: await prover(foreign) });
  await refused(tried, 'invalid_grant', 400);
  assert.ok((await oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP })).access_token);
});

await check('a code is bound to the key that the pushed request named', async () => {
  const { back, checks } = await answered(config, redirect_uri, { DPoP });
  const tried = oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP: await prover(config) });
  await refused(tried, 'invalid_grant', 400);
  assert.ok((await oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP })).access_token);
});

await check('a request_uri is good for one decision', async () => {
  const { address, browser } = await answered(config, redirect_uri);
  const again = await browser.open(address);
  assert.equal(again.status, 400);
  assert.equal(new URL(again.url).origin, issuer.origin);
});

await check('a denial reaches the client with state and iss', async () => {
  const { back, checks } = await answered(config, redirect_uri, { decision: 'deny' });
  assert.equal(back.searchParams.get('state'), checks.expectedState);
  assert.equal(back.searchParams.get('iss'), issuer.origin);
  await refused(oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP }), 'access_denied');
});

await check('details beyond the registry are refused', () => refused(
  pushed(config, redirect_uri, { authorization_details: '[{"type": "score", "level": "é\\"ntire"}]' }),
  'invalid_authorization_details', 400));
await check('an unknown scope is refused', () =>
  refused(pushed(config, redirect_uri, { scope: 'everything' }), 'invalid_scope', 400));
await check('PKCE by the plain method is refused', () =>
  refused(pushed(config, redirect_uri, { code_challenge_method: 'plain' }), 'invalid_request', 400));
await check('an unregistered redirect_uri is refused', () =>
  refused(pushed(config, `${redirect_uri}/more`), 'invalid_request', 400));

const refusals = {
  'a key that is not registered': { key: (await oauth.randomDPoPKeyPair('ES256')).privateKey },
  "another client's key": { key: await signingKey(other.private_jwk), kid: other.private_jwk.kid },
  'an unknown kid': { kid: 'unknown' },
  'the token endpoint as audience': { claims: { aud: config.serverMetadata().token_endpoint } },
  'the issuer in a list as audience': { claims: { aud: [issuer.origin] } },
  'another issuer than subject': { claims: { iss: other.client_id } },
  'a life of a day': { claims: { exp: Math.floor(Date.now() / 1000) + 86400 } },
};
for (const [what, bent] of Object.entries(refusals)) {
  await check(`an assertion with ${what} is refused`, async () =>
    refused(pushed(await connect(own, bent), redirect_uri), 'invalid_client', 401));
}
await check('an assertion is good once', async () => {
  const config = await connect(own, { claims: { jti: oauth.randomState() } });
  await pushed(config, redirect_uri);
  await refused(pushed(config, redirect_uri), 'invalid_client', 401);
});
for (const [seconds, fits] of [[8, true], [-300, false], [120, false]]) {
  await check(`a clock that is ${seconds} seconds ahead is ${fits ? 'accepted' : 'refused'}`, async () => {
    const config = await connect(own, { metadata: { [oauth.clockSkew]: seconds } });
    if (!fits) await refused(pushed(config, redirect_uri), 'invalid_client', 401);
    else assert.ok((await pushed(config, redirect_uri)).address);
  });
}

await check('client credentials give a bound token of the merchant, without a person', async () => {
  const given = await oauth.clientCredentialsGrant(config, { scope: 'decisions:read' }, { DPoP });
  assert.equal(given.token_type, 'dpop');
  assert.equal(given.scope, 'decisions:read');
  assert.equal(given.refresh_token, undefined);
  const query = JSON.stringify({ query: '{ viewer { merchant { name } } consentedUser { id } }' });
  const answer = await ask(config, given.access_token, DPoP, query);
  assert.equal(answer.data.viewer.merchant.name, 'Demo Car Rental');
  assert.equal(answer.data.consentedUser, null);
});

await check('a revoked access token is dead at once, its refresh token lives', async () => {
  const given = await tokensFor(config, redirect_uri, DPoP);
  await oauth.tokenRevocation(config, given.access_token);
  await challenged(ask(config, given.access_token, DPoP), 'dpop', 'invalid_token');
  assert.ok((await oauth.refreshTokenGrant(config, given.refresh_token, undefined, { DPoP })).access_token);
});
await check('a foreign token cannot be revoked', async () => {
  const given = await tokensFor(config, redirect_uri, DPoP);
  await refused(oauth.tokenRevocation(foreign, given.access_token), 'invalid_grant', 400);
  assert.equal((await ask(config, given.access_token, DPoP)).status, 200);
});
await check('a revoked refresh token takes its access tokens along', async () => {
  await oauth.tokenRevocation(config, tokens.refresh_token, { token_type_hint: 'odd' });
  await challenged(ask(config, tokens.access_token, DPoP), 'dpop', 'invalid_token');
  assert.deepEqual({ ...(await oauth.tokenIntrospection(config, tokens.refresh_token)) }, { active: false });
  await refused(oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }), 'invalid_grant', 400);
});
await check('revoking what never was is no error', async () => {
  log.length = 0;
  await oauth.tokenRevocation(config, 'never');
  assert.deepEqual(log.map((request) => request.status), [200]);
});

await check('what another persona consents to is about that persona', async () => {
  const given = await tokensFor(config, redirect_uri, DPoP, { browser: person('good') });
  assert.equal((await ask(config, given.access_token, DPoP)).data.consentedUser.scoreTier.tier, 'GOOD');
});

end();
