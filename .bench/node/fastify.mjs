// Authentication of a Fastify application.

/** Sets `request.viewer` from the bearer token. Responds with 401 if the token is not valid. */
export function authenticated (app, store) {
  app.decorateRequest('viewer', null)
  app.addHook('onRequest', (request, reply, done) => {
    request.viewer = store.authenticate(request.headers.authorization)
    if (request.viewer) return done()
    reply.code(401).header('WWW-Authenticate', 'Bearer')
    reply.send({ errors: [{ message: 'The access token is not valid.' }] })
  })
}
