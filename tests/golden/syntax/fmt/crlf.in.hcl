a=1
bbb=2 # c
block {
d=<<EOT
x
EOT
}
