// A person's consent by the authorization code flow, with PAR and PKCE.
import { createServer } from 'node:http';
import * as oauth from 'openid-client';

/** Prints a link and waits at the redirect URI for the person's decision. Returns the tokens. */
export async function askForConsent(
  config: oauth.Configuration,
  redirectUri: string,
  details: object[],
): Promise<oauth.TokenEndpointResponse> {
  const pkceCodeVerifier = oauth.randomPKCECodeVerifier();
  const expectedState = oauth.randomState();
  const link = await oauth.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirectUri,
    authorization_details: JSON.stringify(details),
    state: expectedState,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  // The library checks state and iss before it redeems the code.
  return oauth.authorizationCodeGrant(config, await waitAt(redirectUri, link), { pkceCodeVerifier, expectedState });
}

function waitAt(redirectUri: string, link: URL): Promise<URL> {
  const { port, hostname, pathname } = new URL(redirectUri);
  return new Promise((resolve) => {
    const site = createServer((request, response) => {
      const url = new URL(request.url ?? '/', redirectUri);
      response.end('Thank you. You can close this page.\n');
      if (url.pathname !== pathname) return;
      site.close();
      resolve(url);
    }).listen(Number(port), hostname, () => console.log(`Open this link and decide:\n  ${link.href}`));
  });
}
