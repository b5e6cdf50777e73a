// openid-client against a live sandbox, with a baseline client: node openid_client_baseline.mjs CREDENTIALS
import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import { challenged, check, clientOf, end, refused, SCORE } from './checks.mjs';
import { answered, ask, connect, issuer, overHttp, prover, pushed, tokensFor } from './partner.mjs';

const own = clientOf('car_rental', 'baseline');
const { redirect_uri } = own;
const config = await connect(own);
const refreshed = (refresh_token, parameters) => oauth.refreshTokenGrant(config, refresh_token, parameters);

const tokens = await check('a client with a secret gets bearer tokens by the same way', async () => {
  const given = await tokensFor(config, redirect_uri);
  assert.equal(given.token_type, 'bearer');
  assert.deepEqual(given.authorization_details, [SCORE]);
  assert.equal((await ask(config, given.access_token)).data.consentedUser.scoreTier.tier, 'EXCELLENT');
  return given;
});

await check('a wrong secret is refused', async () =>
  challenged(pushed(await connect({ ...own, client_secret: 'wrong' }), redirect_uri), 'basic'));
await check('a secret in the body is refused', async () => {
  const inBody = oauth.ClientSecretPost(own.client_secret);
  const other = await oauth.discovery(issuer, own.client_id, {}, inBody, overHttp());
  await refused(pushed(other, redirect_uri), 'invalid_request', 400);
});
await check('a client that does not authenticate is refused', async () => {
  const nobody = await oauth.discovery(issuer, own.client_id, {}, oauth.None(), overHttp());
  await challenged(pushed(nobody, redirect_uri), 'basic');
});

await check('each refresh gives another refresh token', async () => {
  const second = await refreshed(tokens.refresh_token);
  const third = await refreshed(second.refresh_token);
  assert.equal(new Set([tokens, second, third].map((given) => given.refresh_token)).size, 3);
  assert.equal((await ask(config, third.access_token)).status, 200);
});

await check('a refresh token that is used again ends all that came of it', async () => {
  const given = await tokensFor(config, redirect_uri);
  const second = await refreshed(given.refresh_token);
  const third = await refreshed(second.refresh_token);
  await refused(refreshed(given.refresh_token), 'invalid_grant', 400);
  await refused(refreshed(third.refresh_token), 'invalid_grant', 400);
  await challenged(ask(config, third.access_token), 'bearer', 'invalid_token');
});

await check('a refresh whose answer was lost can be made again', async () => {
  const given = await tokensFor(config, redirect_uri);
  const lost = await refreshed(given.refresh_token);
  const again = await refreshed(given.refresh_token);
  assert.notEqual(again.refresh_token, lost.refresh_token);
  assert.ok((await refreshed(again.refresh_token)).access_token);
});

await check('a client with a secret may bind its tokens all the same', async () => {
  const DPoP = await prover(config);
  const given = await tokensFor(config, redirect_uri, DPoP);
  assert.equal(given.token_type, 'dpop');
  assert.equal((await ask(config, given.access_token, DPoP)).status, 200);
  await challenged(ask(config, given.access_token), 'bearer', 'invalid_token');
});

await check('introspects its own token', async () => {
  const given = await tokensFor(config, redirect_uri);
  const seen = await oauth.tokenIntrospection(config, given.access_token);
  assert.deepEqual([seen.active, seen.token_type, seen.cnf], [true, 'Bearer', undefined]);
});
await check('learns nothing about the tokens of the same merchant\'s other client', async () => {
  const given = await tokensFor(config, redirect_uri);
  const backend = await connect(clientOf('car_rental', 'fapi2'));
  assert.deepEqual({ ...(await oauth.tokenIntrospection(backend, given.access_token)) }, { active: false });
});

await check('revoking the refresh token takes the access tokens along', async () => {
  const given = await tokensFor(config, redirect_uri);
  await oauth.tokenRevocation(config, given.refresh_token);
  await challenged(ask(config, given.access_token), 'bearer', 'invalid_token');
  await refused(refreshed(given.refresh_token), 'invalid_grant', 400);
});

await check('client credentials give a bearer token of the merchant', async () => {
  const given = await oauth.clientCredentialsGrant(config);
  assert.equal(given.token_type, 'bearer');
  const query = JSON.stringify({ query: '{ viewer { merchant { name } } }' });
  assert.equal((await ask(config, given.access_token, undefined, query)).data.viewer.merchant.name, 'Demo Car Rental');
});

await check('plain scopes alone stand for details, which are echoed', async () => {
  const given = await tokensFor(config, redirect_uri, undefined, { scope: 'score:tier', authorization_details: '' });
  assert.deepEqual(given.authorization_details.map((detail) => [detail.type, detail.level]), [['score', 'tier']]);
});

await check('a denial reaches the client with state and iss', async () => {
  const { back, checks } = await answered(config, redirect_uri, { decision: 'deny' });
  assert.deepEqual([...back.searchParams.keys()].filter((name) => name !== 'error_description').sort(),
    ['error', 'iss', 'state']);
  await refused(oauth.authorizationCodeGrant(config, back, checks), 'access_denied');
});

end();
