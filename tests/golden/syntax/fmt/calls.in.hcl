a=foo ( 1,2 )
b=foo(
1,
2
)
c=foo(a ...)
d=provider :: x :: y( 1 )
e=foo([
1
],{
b=2
})
f = foo( )
