# top
   # indented
a=1#one
bb=2//two
block { # open
# inside
      // deeper
c=1/* inline */
/* multi
 line */
d=2 /* x */ # y
} # close
# end