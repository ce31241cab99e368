a=<<EOT
  keep   this
${ b }  %{ if c ~} d %{ endif }
EOT
e=<<-EOT
    x
      y
    EOT
f=foo(<<A
1
A
,2)
block {
g=<<EOT
 text
EOT
h=1
}
