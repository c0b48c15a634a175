"""glibc's getaddrinfo: COUNT. It asks for A and AAAA at once, of the server in its own /etc/resolv.conf."""
import socket
import sys

for i in range(int(sys.argv[1])):
    found = {info[4][0] for info in socket.getaddrinfo("www.example.test.", 80, type=socket.SOCK_STREAM)}
    assert found == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}, found
