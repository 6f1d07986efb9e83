from c4c_world import World


def test_a_handover(world: World) -> None:
    c = world.control
    one, two = c.company("Bakery North"), c.company("Mill South")
    contact = c.contact(one, two)
    print(world.sync().jobs)
    print(world.sync().jobs)
    for e in ("CorporateAccount", "Contact", "ContactIsContactPersonFor", "Lead"):
        for r in c.rows(e):
            print(e, {k: v for k, v in r.items() if v not in (None, "", False)})
    print(world.progress(contact), world.warnings(contact))
    print(c.counts())
