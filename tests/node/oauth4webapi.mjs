// oauth4webapi, whose caller makes each step, against a live sandbox: node oauth4webapi.mjs CREDENTIALS
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { Browser } from './browser.mjs';
import {
  assertChallenged, assertRejected, check, clientOf, credentials, end, JSON_BODY, QUERY, SCORE, signingKey,
} from './checks.mjs';

const issuer = new URL(credentials.issuer);
const graphql = new URL(credentials.graphql);
const OVER_HTTP = { [oauth.allowInsecureRequests]: true };
const own = clientOf('online_shop', 'fapi2');
const client = { client_id: own.client_id };
const proof = oauth.PrivateKeyJwt({ key: await signingKey(own.private_jwk), kid: own.private_jwk.kid });
const { redirect_uri } = own;
const DETAIL = { ...SCORE, purpose: 'ONLINE_PURCHASE' };
const asHandle = async (alg = 'ES256') => oauth.DPoP(client, await oauth.generateKeyPair(alg));
const DPoP = await asHandle();

const server = await check('discovers the server', async () => {
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...OVER_HTTP });
  const result = await oauth.processDiscoveryResponse(issuer, response);
  assert.deepEqual(result.code_challenge_methods_supported, ['S256']);
  assert.ok(result.dpop_signing_alg_values_supported.includes('ES256'));
  return result;
});

await check('finds the server from the address of the API', async () => {
  const response = await oauth.resourceDiscoveryRequest(graphql, OVER_HTTP);
  const result = await oauth.processResourceDiscoveryResponse(graphql, response);
  assert.deepEqual(result.authorization_servers, [issuer.origin]);
});

/** Pushes an authorization request. Returns the response and the code_verifier. */
async function pushRequest(changed = {}, authentication = proof) {
  const verifier = oauth.generateRandomCodeVerifier();
  const response = await oauth.pushedAuthorizationRequest(server, client, authentication, {
    client_id: own.client_id,
    response_type: 'code',
    redirect_uri,
    state: 'a state',
    authorization_details: JSON.stringify([DETAIL]),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...changed,
  }, OVER_HTTP);
  return { response, verifier };
}

/** Pushes a request and lets the customer decide. Returns the callback address and the code_verifier. */
async function getDecision(decision = 'allow') {
  const { response, verifier } = await pushRequest();
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, response);
  const address = new URL(server.authorization_endpoint);
  address.search = new URLSearchParams({ client_id: own.client_id, request_uri });
  const persona = credentials.personas.find((one) => one.handle === 'excellent');
  return { callback: await new Browser(credentials.issuer, persona).decide(address, decision), verifier };
}

/** Sends a token request, and repeats it once if the server asks for a nonce. */
async function withNonce(send, read, handle = DPoP) {
  const once = async () => read(server, client, await send({ DPoP: handle, ...OVER_HTTP }));
  return once().catch((error) => {
    if (oauth.isDPoPNonceError(error)) return once();
    throw error;
  });
}

const redeem = ({ callback, verifier }, handle) => {
  const result = oauth.validateAuthResponse(server, client, callback, 'a state');
  return withNonce((options) =>
    oauth.authorizationCodeGrantRequest(server, client, proof, result, redirect_uri, verifier, options),
  oauth.processAuthorizationCodeResponse, handle);
};
const refresh = (refresh_token) => withNonce((options) =>
  oauth.refreshTokenGrantRequest(server, client, proof, refresh_token, options), oauth.processRefreshTokenResponse);
const call = (token, handle = DPoP) => oauth.protectedResourceRequest(
  token, 'POST', graphql, JSON_BODY, QUERY, { DPoP: handle, ...OVER_HTTP });

await check('a pushed request returns 201 with a lifetime below ten minutes', async () => {
  const { response } = await pushRequest();
  assert.equal(response.status, 201);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { expires_in } = await oauth.processPushedAuthorizationResponse(server, client, response);
  assert.ok(expires_in > 0 && expires_in < 600);
});

await check('a request_uri inside a pushed request is rejected', async () => {
  const { response } = await pushRequest({ request_uri: 'urn:ietf:params:oauth:request_uri:other' });
  await assertRejected(oauth.processPushedAuthorizationResponse(server, client, response), 'invalid_request', 400);
});

await check('a wrong key is rejected', async () => {
  const { privateKey } = await oauth.generateKeyPair('ES256');
  const { response } = await pushRequest({}, oauth.PrivateKeyJwt({ key: privateKey, kid: own.private_jwk.kid }));
  await assertRejected(oauth.processPushedAuthorizationResponse(server, client, response), 'invalid_client', 401);
});

const first = await check('the token endpoint asks for a nonce without using up the code', async () => {
  const granted = await getDecision();
  const result = oauth.validateAuthResponse(server, client, granted.callback, 'a state');
  const handle = await asHandle();
  const request = () => oauth.authorizationCodeGrantRequest(
    server, client, proof, result, redirect_uri, granted.verifier, { DPoP: handle, ...OVER_HTTP });
  const error = await oauth.processAuthorizationCodeResponse(server, client, await request()).then(
    () => assert.fail('accepted'), (reason) => reason);
  assert.ok(oauth.isDPoPNonceError(error), error.message);
  assert.equal(error.status, 400);
  const response = await request();
  assert.ok(response.headers.get('dpop-nonce'));
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response);
  assert.equal(tokens.token_type, 'dpop');
  assert.deepEqual(tokens.authorization_details, [DETAIL]);
  return { tokens, handle };
});

await check('reads the tier', async () => {
  const response = await call(first.tokens.access_token, first.handle);
  assert.equal((await response.json()).data.consentedUser.scoreTier.tier, 'EXCELLENT');
});

await check('the API asks for a nonce with a challenge', async () => {
  // Token digest and key are correct; only the nonce is missing.
  const pair = await oauth.generateKeyPair('Ed25519');
  const tokens = await redeem(await getDecision(), oauth.DPoP(client, pair));
  const fresh = oauth.DPoP(client, pair);
  await assertChallenged(call(tokens.access_token, fresh), 'dpop', 'use_dpop_nonce');
  assert.equal((await call(tokens.access_token, fresh)).status, 200);
});

await check('refreshes without rotation', async () => {
  await refresh(first.tokens.refresh_token);
  const granted = await refresh(first.tokens.refresh_token);
  assert.equal((await call(granted.access_token)).status, 200);
});

await check('a proof is rejected when it is used a second time', async () => {
  // All proofs of this handle have the same jti, so the second one is a replay.
  const repeats = { [oauth.modifyAssertion]: (_, payload) => Object.assign(payload, { jti: 'the same' }) };
  const handle = oauth.DPoP(client, await oauth.generateKeyPair('ES256'), repeats);
  const granted = await redeem(await getDecision(), handle);
  assert.equal((await call(granted.access_token, handle)).status, 200);
  await assertChallenged(call(granted.access_token, handle), 'dpop', 'invalid_dpop_proof');
});

const CHANGES = { method: { htm: 'GET' }, address: { htu: `${issuer.origin}/other` }, token: { ath: 'x' } };
for (const [what, changes] of Object.entries(CHANGES)) {
  await check(`a proof for another ${what} is rejected at the API`, async () => {
    const pair = await oauth.generateKeyPair('ES256');
    const granted = await redeem(await getDecision(), oauth.DPoP(client, pair));
    const modify = { [oauth.modifyAssertion]: (_, payload) => Object.assign(payload, changes) };
    const handle = oauth.DPoP(client, pair, modify);
    await assertChallenged(call(granted.access_token, handle), 'dpop', 'invalid_dpop_proof');
  });
}

await check('replaying a code revokes its tokens', async () => {
  const granted = await getDecision();
  const tokens = await redeem(granted);
  assert.equal((await call(tokens.access_token)).status, 200);
  await assertRejected(redeem(granted), 'invalid_grant', 400);
  await assertChallenged(call(tokens.access_token), 'dpop', 'invalid_token');
});

await check('a wrong code_verifier is rejected', async () =>
  assertRejected(
    redeem({ ...(await getDecision()), verifier: oauth.generateRandomCodeVerifier() }), 'invalid_grant', 400));

await check('a denial is an error response with iss', async () => {
  const { callback } = await getDecision('deny');
  assert.equal(callback.searchParams.get('iss'), issuer.origin);
  const read = () => oauth.validateAuthResponse(server, client, callback, 'a state');
  assert.throws(read, (error) => error.error === 'access_denied');
});

await check('introspects and revokes', async () => {
  const { access_token } = await redeem(await getDecision());
  const look = async () => oauth.processIntrospectionResponse(server, client,
    await oauth.introspectionRequest(server, client, proof, access_token, OVER_HTTP));
  assert.equal((await look()).cnf.jkt, await DPoP.calculateThumbprint());
  const response = await oauth.revocationRequest(server, client, proof, access_token, OVER_HTTP);
  assert.equal(await oauth.processRevocationResponse(response), undefined);
  assert.deepEqual({ ...(await look()) }, { active: false });
});

await check('client credentials give a bound token', async () => {
  const tokens = await withNonce((options) =>
    oauth.clientCredentialsGrantRequest(server, client, proof, { scope: 'decisions:read' }, options),
  oauth.processClientCredentialsResponse);
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(tokens.scope, 'decisions:read');
});

end();
