// HOST PORT FOLDER PROTOCOL TRANSPORT: the calculator, whose `add` answers the later the smaller `b` is, so that answers overtake each other.
const path = require('node:path');
const thrift = require('thrift');

const [host, port, folder, protocol, transport] = process.argv.slice(2);
const Calculator = require(path.join(folder, 'Calculator.js'));
const { DivisionByZero } = require(path.join(folder, 'calculator_types.js'));

const handler = {
  add: (a, b, result) => {
    const answer = () => result(null, a + b);
    if (b === 0) setImmediate(() => setImmediate(answer));
    else if (b === 1) setImmediate(answer);
    else answer();
  },
  echo: (text, result) => result(null, text),
  mirror: (points, by, names, result) => result(null, points),
  divide: (a, b, result) => {
    if (b === 0) result(new DivisionByZero({ why: 'nothing is divided by 0' }));
    else result(null, Math.trunc(a / b));
  },
  ping: (result) => result(null),
  broken: (result) => result(new Error('this is never right')),
  note: () => undefined,
};
const server = thrift.createServer(Calculator, handler, {
  protocol: protocol === 'compact' ? thrift.TCompactProtocol : thrift.TBinaryProtocol,
  transport: transport === 'framed' ? thrift.TFramedTransport : thrift.TBufferedTransport,
});
server.listen(Number(port), host);
