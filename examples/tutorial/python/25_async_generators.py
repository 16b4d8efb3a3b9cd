import asyncio


async def async_generator_fn(param):
    print("do something")
    await asyncio.sleep(0.001)
    yield f"something of {param}"
    print("do other stuff")
    await asyncio.sleep(0.001)
    yield f"some other something of {param}"
    print("do more stuff")


async def main():
    async for value in async_generator_fn("param"):
        print(value)


asyncio.run(main())
