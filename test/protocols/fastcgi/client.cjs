// fastcgi-client: HOST PORT COUNT SCRIPT. COUNT rounds of requests one after another.
const assert = require('node:assert/strict');
const connect = require('fastcgi-client');

const [host, port, count, script] = process.argv.slice(2);
const client = connect({ host, port: Number(port), skipCheckServer: true, maxConns: 4, maxReqs: 4 });

function ask(method, path, query, body = '') {
  return new Promise((resolve, reject) => {
    const params = {
      REQUEST_METHOD: method,
      REQUEST_URI: query === '' ? path : `${path}?${query}`,
      QUERY_STRING: query,
      SCRIPT_FILENAME: script,
      SCRIPT_NAME: path,
      CONTENT_LENGTH: String(body.length),
      SERVER_NAME: 'node.example',
      SERVER_PORT: '443',
      HTTPS: 'on',
      REMOTE_ADDR: '192.0.2.7',
      HTTP_USER_AGENT: 'scenario',
    };
    client.request(params, (error, request) => {
      if (error) return reject(error);
      let text = '';
      request.stdout.on('data', (chunk) => (text += chunk));
      request.stdout.on('end', () => resolve(text));
      request.stderr.resume();
      request.stdin.end(body);
    });
  });
}

async function main() {
  for (let i = 0; i < Number(count); i++) {
    assert.match(await ask('GET', '/node', 'size=3'), /\r\n\r\nxxx$/);
    assert.match(await ask('POST', '/node/sent', 'size=1', 'body'), /\r\n\r\nxbody$/);
    assert.match(await ask('GET', '/node/none', 'status=503'), /^Status: 503/);
  }
  process.exit(0);
}

client.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
client.on('ready', () => {
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
});
