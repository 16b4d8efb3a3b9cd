def generator_fn():
    for i in range(10):
        yield i


for item in generator_fn():
    print(item)
