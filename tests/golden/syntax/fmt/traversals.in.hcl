a=b . c
d=b [ 0 ]
e=b[ "x" ] . c
f=b [ * ].c
g=b . * . c
h=b.0.c
i=(b)[0]
j="x" [0]
