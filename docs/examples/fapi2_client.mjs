// A partner's system in Node.js: a client of the profile fapi2 asks a customer for their tier, and reads it.
//
//   npm install openid-client
//   node fapi2_client.mjs credentials.json
//
// credentials.json is what `gateway sandbox up --credentials credentials.json` writes. The program prints an address:
// open it in a browser, sign in as one of the personas, and allow it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import * as oauth from 'openid-client';

const credentials = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { clients } = credentials.merchants.find((merchant) => merchant.adapter === 'car_rental');
const { client_id, private_jwk, redirect_uri } = clients.find((client) => client.profile === 'fapi2');

// 1. Who we are: we sign with our key, nobody else has it. All addresses come from the server's metadata.
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' };
const key = await crypto.subtle.importKey('jwk', private_jwk, ES256, false, ['sign']);
const server = new URL(credentials.issuer);
const config = await oauth.discovery(server, client_id, {}, oauth.PrivateKeyJwt({ key, kid: private_jwk.kid }), {
  algorithm: 'oauth2',
  execute: server.protocol === 'http:' ? [oauth.allowInsecureRequests] : [], // a sandbox on this machine only
});

// 2. The key that our tokens are bound to. Keep it as long as the tokens; it need not be the key above.
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'));

// 3. What we ask for goes to the server directly (PAR); the browser carries a reference to it.
const code_verifier = oauth.randomPKCECodeVerifier();
const state = oauth.randomState();
const address = await oauth.buildAuthorizationUrlWithPAR(config, {
  redirect_uri,
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(code_verifier),
  code_challenge_method: 'S256',
  authorization_details: JSON.stringify([{ type: 'score', level: 'tier', purpose: 'CAR_RENTAL', duration: 'P30D' }]),
});

// 4. The customer decides, and the answer comes back to our redirect URI.
const { port, hostname, pathname } = new URL(redirect_uri);
const answer = new Promise((resolve) => {
  const site = createServer((request, response) => {
    const url = new URL(request.url, redirect_uri);
    response.end('Thank you. You can close this page.\n');
    if (url.pathname !== pathname) return;
    site.close();
    resolve(url);
  }).listen(port, hostname, () => console.log(`Open ${address.href}`));
});

// 5. The code becomes tokens. State and iss are checked by the library; a nonce that the server wants is sent.
let tokens;
try {
  const checks = { pkceCodeVerifier: code_verifier, expectedState: state };
  tokens = await oauth.authorizationCodeGrant(config, await answer, checks, undefined, { DPoP });
} catch (error) {
  if (error.error !== 'access_denied') throw error;
  console.log('The customer does not allow it.');
  process.exit(1);
}
console.log('Granted:', JSON.stringify(tokens.authorization_details));

// 6. Ask, with a proof in every request.
const ask = async ({ access_token }) => {
  const query = JSON.stringify({ query: '{ consentedUser { scoreTier { tier } } }' });
  const headers = new Headers({ 'content-type': 'application/json' });
  const graphql = new URL(credentials.graphql);
  const response = await oauth.fetchProtectedResource(config, access_token, graphql, 'POST', query, headers, { DPoP });
  return (await response.json()).data.consentedUser.scoreTier.tier;
};
console.log('Tier:', await ask(tokens));

// 7. Access tokens live five minutes. The refresh token stays the same as long as the consent lives.
const fresh = await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
console.log('Tier, with a fresh token:', await ask(fresh));

// 8. Done with this customer? Give the tokens back.
await oauth.tokenRevocation(config, tokens.refresh_token);
console.log('Tokens revoked.');
