"""pymongo: HOST PORT COUNT. Reads and writes, pages of a cursor, an aggregation and a document that is longer than what is captured."""
import sys

from pymongo import MongoClient

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = MongoClient(host, port, maxPoolSize=1)
pages = client.library.pages
for i in range(count):
    text = f"page {i} " * 3000
    assert pages.insert_one({"_id": i, "text": text}).inserted_id == i
    assert pages.find_one({"_id": i})["text"] == text
    assert pages.find_one_and_update({"_id": i}, {"$set": {"read": True}})["_id"] == i
    assert pages.count_documents({"_id": i, "read": True}) == 1
assert len(list(pages.find({}, {"_id": 1}, batch_size=10))) == count
assert client.admin.command("ping")["ok"] == 1
pages.drop()
client.close()
