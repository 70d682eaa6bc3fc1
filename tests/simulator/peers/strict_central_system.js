// A central system on npm's ocpp-rpc in strict mode: every message, both ways, is checked against OCPP's schemas there.
// Prints one JSON object a line: {port}, {call, id, params}, {fault, ...}, {answer, number}. Reads commands the same way:
// {number, id, method, params}.
const { createInterface } = require('readline');
const { RPCServer, createRPCError } = require('ocpp-rpc');

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const clients = new Map();
let transactions = 500;

const now = () => new Date().toISOString();
const answers = {
  BootNotification: () => ({ status: 'Accepted', interval: 300, currentTime: now() }),
  Heartbeat: () => ({ currentTime: now() }),
  StatusNotification: () => ({}),
  MeterValues: () => ({}),
  NotifyReport: () => ({}),
  Authorize: (protocol) => (protocol === 'ocpp1.6' ? { idTagInfo: { status: 'Accepted' } } : { idTokenInfo: { status: 'Accepted' } }),
  StartTransaction: () => ({ transactionId: ++transactions, idTagInfo: { status: 'Accepted' } }),
  StopTransaction: () => ({}),
  TransactionEvent: () => ({}),
};

const server = new RPCServer({ protocols: ['ocpp2.0.1', 'ocpp1.6'], strictMode: true });
server.auth((accept) => accept());
server.on('client', (client) => {
  clients.set(client.identity, client);
  client.on('strictValidationFailure', ({ error, outbound }) => say({ fault: String(error), outbound }));
  client.on('badMessage', ({ error }) => say({ fault: String(error) }));
  client.handle(({ method, params }) => {
    say({ call: method, id: client.identity, params });
    if (!(method in answers)) throw createRPCError('NotImplemented');
    return answers[method](client.protocol);
  });
});

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { number, id, method, params } = JSON.parse(line);
    try {
      say({ number, answer: await clients.get(id).call(method, params) });
    } catch (error) {
      say({ number, error: String(error), code: error.rpcErrorCode });
    }
  })
  .on('close', () => process.exit(0));

server.listen(0, '127.0.0.1').then((http) => say({ port: http.address().port }));
