module undertrace.test/dns

go 1.19
