module links

go 1.19
