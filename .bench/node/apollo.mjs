// Apollo Server on Fastify.
import { ApolloServer } from '@apollo/server'
import fastifyApollo, { fastifyApolloDrainPlugin } from '@as-integrations/fastify'
import Fastify from 'fastify'

import { authenticated } from './fastify.mjs'
import { closeOnTermination, readOptions } from './process.mjs'
import { schema } from './schema.mjs'
import { Store } from './store.mjs'

const { port, database } = readOptions()
const store = new Store(database)
const app = Fastify()
const server = new ApolloServer({ schema, stopOnTerminationSignals: false, plugins: [fastifyApolloDrainPlugin(app)] })
await server.start()
authenticated(app, store)
await app.register(fastifyApollo(server), { context: async (request) => ({ store, viewer: request.viewer }) })
await app.listen({ host: '127.0.0.1', port: Number(port) })
closeOnTermination(async () => {
  await server.stop()
  store.close()
})
