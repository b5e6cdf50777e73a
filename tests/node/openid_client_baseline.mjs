// openid-client against a live sandbox, with a baseline client: node openid_client_baseline.mjs CREDENTIALS
import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import { assertChallenged, assertRejected, check, clientOf, end, SCORE } from './checks.mjs';
import { ask, connect, getDecision, issuer, newDPoPHandle, overHttp, pushRequest, tokensFor } from './partner.mjs';

const own = clientOf('car_rental', 'baseline');
const { redirect_uri } = own;
const config = await connect(own);
const refresh = (refresh_token, parameters) => oauth.refreshTokenGrant(config, refresh_token, parameters);

const tokens = await check('a client with a secret gets bearer tokens', async () => {
  const granted = await tokensFor(config, redirect_uri);
  assert.equal(granted.token_type, 'bearer');
  assert.deepEqual(granted.authorization_details, [SCORE]);
  assert.equal((await ask(config, granted.access_token)).data.consentedUser.scoreTier.tier, 'EXCELLENT');
  return granted;
});

await check('a wrong secret is rejected', async () =>
  assertChallenged(pushRequest(await connect({ ...own, client_secret: 'wrong' }), redirect_uri), 'basic'));
await check('a secret in the body is rejected', async () => {
  const inBody = oauth.ClientSecretPost(own.client_secret);
  const other = await oauth.discovery(issuer, own.client_id, {}, inBody, overHttp());
  await assertRejected(pushRequest(other, redirect_uri), 'invalid_request', 400);
});
await check('a client that does not authenticate is rejected', async () => {
  const nobody = await oauth.discovery(issuer, own.client_id, {}, oauth.None(), overHttp());
  await assertChallenged(pushRequest(nobody, redirect_uri), 'basic');
});

await check('each refresh returns a new refresh token', async () => {
  const second = await refresh(tokens.refresh_token);
  const third = await refresh(second.refresh_token);
  assert.equal(new Set([tokens, second, third].map((granted) => granted.refresh_token)).size, 3);
  assert.equal((await ask(config, third.access_token)).status, 200);
});

await check('reusing a refresh token revokes all tokens that came from it', async () => {
  const granted = await tokensFor(config, redirect_uri);
  const second = await refresh(granted.refresh_token);
  const third = await refresh(second.refresh_token);
  await assertRejected(refresh(granted.refresh_token), 'invalid_grant', 400);
  await assertRejected(refresh(third.refresh_token), 'invalid_grant', 400);
  await assertChallenged(ask(config, third.access_token), 'bearer', 'invalid_token');
});

await check('a refresh can be repeated after a lost response', async () => {
  const granted = await tokensFor(config, redirect_uri);
  const lost = await refresh(granted.refresh_token);
  const again = await refresh(granted.refresh_token);
  assert.notEqual(again.refresh_token, lost.refresh_token);
  assert.ok((await refresh(again.refresh_token)).access_token);
});

await check('a client with a secret can bind its tokens with DPoP', async () => {
  const DPoP = await newDPoPHandle(config);
  const granted = await tokensFor(config, redirect_uri, DPoP);
  assert.equal(granted.token_type, 'dpop');
  assert.equal((await ask(config, granted.access_token, DPoP)).status, 200);
  await assertChallenged(ask(config, granted.access_token), 'bearer', 'invalid_token');
});

await check('introspects its own token', async () => {
  const granted = await tokensFor(config, redirect_uri);
  const seen = await oauth.tokenIntrospection(config, granted.access_token);
  assert.deepEqual([seen.active, seen.token_type, seen.cnf], [true, 'Bearer', undefined]);
});
await check('introspection of a token of another client returns inactive', async () => {
  const granted = await tokensFor(config, redirect_uri);
  const backend = await connect(clientOf('car_rental', 'fapi2'));
  assert.deepEqual({ ...(await oauth.tokenIntrospection(backend, granted.access_token)) }, { active: false });
});

await check('revoking the refresh token revokes the access tokens', async () => {
  const granted = await tokensFor(config, redirect_uri);
  await oauth.tokenRevocation(config, granted.refresh_token);
  await assertChallenged(ask(config, granted.access_token), 'bearer', 'invalid_token');
  await assertRejected(refresh(granted.refresh_token), 'invalid_grant', 400);
});

await check('client credentials give a bearer token of the merchant', async () => {
  const granted = await oauth.clientCredentialsGrant(config);
  assert.equal(granted.token_type, 'bearer');
  const query = JSON.stringify({ query: '{ viewer { merchant { name } } }' });
  const response = await ask(config, granted.access_token, undefined, query);
  assert.equal(response.data.viewer.merchant.name, 'Demo Car Rental');
});

await check('scopes without details are converted to details in the token response', async () => {
  const granted = await tokensFor(config, redirect_uri, undefined, { scope: 'score:tier', authorization_details: '' });
  assert.deepEqual(granted.authorization_details.map((detail) => [detail.type, detail.level]), [['score', 'tier']]);
});

await check('a denial reaches the client with state and iss', async () => {
  const { callback, checks } = await getDecision(config, redirect_uri, { decision: 'deny' });
  assert.deepEqual([...callback.searchParams.keys()].filter((name) => name !== 'error_description').sort(),
    ['error', 'iss', 'state']);
  await assertRejected(oauth.authorizationCodeGrant(config, callback, checks), 'access_denied');
});

end();
