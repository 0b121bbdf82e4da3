export { FitmqConnection, FitmqProvider, useConnection, useFitmq } from './provider.js'
