"""Python's ssl: MODE HOST PORT COUNT FOLDER. trusted, or untrusted-1.2 and untrusted-1.3: the certificate's issuer is unknown."""

import socket
import ssl
import sys

mode, host, port, count, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]


def context():
    if mode == "trusted":
        return ssl.create_default_context(cafile=f"{folder}/certificate.pem")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.maximum_version = ssl.TLSVersion.TLSv1_2 if mode.endswith("1.2") else ssl.TLSVersion.TLSv1_3
    return made


def ask():
    with socket.create_connection((host, port)) as plain:
        with context().wrap_socket(plain, server_hostname="shop.example") as secure:
            assert secure.version() == "TLSv1.3"
            secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b"200" in secure.recv(4096)


for _ in range(count):
    if mode == "trusted":
        ask()
        continue
    try:
        ask()
        raise SystemExit("it was trusted")
    except ssl.SSLCertVerificationError:
        pass
