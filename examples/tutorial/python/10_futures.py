import asyncio


async def main():
    loop = asyncio.get_running_loop()

    f: asyncio.Future[str] = loop.create_future()
    print("done" if f.done() else "not done")
    try:
        f.result()
    except asyncio.InvalidStateError:
        print("no result yet")

    loop.call_later(0.001, f.set_result, "a value")
    print(await f)
    print("done" if f.done() else "not done")
    print(f.result())
    print("no exception" if f.exception() is None else "an exception")

    f = loop.create_future()
    loop.call_soon(f.set_exception, OSError("the disk is full"))
    try:
        await f
    except OSError as error:
        print(error)
    print("no exception" if f.exception() is None else "an exception")


asyncio.run(main())
