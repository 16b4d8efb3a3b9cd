def gen_squares():
    for n in range(10):
        yield n * n


squares = (x * x for x in range(10))

for one, other in zip(gen_squares(), squares):
    print(one, other)
