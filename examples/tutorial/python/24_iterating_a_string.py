s = "foobar"

for ch in s:
    print(ch)

try:
    next(s)
except TypeError:
    print("a string is not an iterator")

my_iterator = iter(s)

print(next(my_iterator))
print(next(my_iterator))
print(next(my_iterator))
