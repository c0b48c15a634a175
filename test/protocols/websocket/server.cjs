// WebSocket with ws: HOST PORT. Echoes; /deflate with permessage-deflate; what a message asks for it does.
const { createServer } = require('node:http');
const { WebSocketServer } = require('ws');

const [host, port] = process.argv.slice(2);
const options = { noServer: true, maxPayload: 4_000_000 };
const plain = new WebSocketServer(options);
const deflate = new WebSocketServer({ ...options, perMessageDeflate: { threshold: 0 } });
const server = createServer((_, response) => response.writeHead(404).end());

server.on('upgrade', (request, socket, head) => {
  if (request.url === '/refused') {
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  const by = request.url === '/deflate' ? deflate : plain;
  by.handleUpgrade(request, socket, head, serve);
});

function serve(socket) {
  socket.on('error', () => undefined);
  socket.on('message', (message, isBinary) => {
    const asked = isBinary || message.length > 20 ? '' : String(message);
    if (asked === 'ping') socket.ping('are you there');
    else if (asked === 'policy') socket.close(1008, 'not so');
    else if (asked === 'ten') for (let i = 0; i < 10; i++) socket.send(`pushed ${i}`);
    else socket.send(message, { binary: isBinary });
  });
}
server.listen(Number(port), host);
process.on('SIGTERM', () => process.exit(0));
