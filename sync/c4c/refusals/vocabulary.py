"""Words that may be shown because they name no person: words of property names, and the usual words of refusals. Any
other capitalised word may be a person's name and is left out.
"""

import re
from functools import cache

from sync.rule_files.standard_fields import standard

_REFUSING = """
a abort aborted access accessed action activate activated active added administrator after again all allow allowed
already also an and another any api arrangement as assign assigned at attribute authorisation authorised authorization
authorized available back backend bad batch be because been before being between blank block blocked blocking body both
business busy but by call cannot category caught change changed changes changeset character characters check choose
client closed code codes collection combination communication complete condition conflict connection consistent
contain contains content conversion convert converted could create created creation csrf current currently customer
customizing data database deactivated deep default define defined delete deleted denied destination details determine
determined different do document does done dump duplicate during edit edited element empty enabled end enter entered
entity entries entry error errors exception exceed exceeds execute executed exist existing exists expected expired
external failed failure feature field fields filter find following for forbidden format found from function gateway
get given group has have header how http id if ignored import in incomplete inconsistent incorrect information input
insert inside instance integer integration internal invalid is it item its json key known language length less limit
line link list literal load locked log long longer lookup maintain maintained maintenance malformed mandatory match
maximum message messages method minimum missing mode model more most must named navigation necessary needed new no node
none not number object obsolete occurred odata of off on one only open operation option or order other out over
parameter parse parser part parties party patch path payload perform permission permitted please position possible post
precondition predicate previous process processed processing property provide provided put query raised range read
reason received record records reference refused rejected relation relationship remove removed replace request required
resource response result results retry role root rule running runtime same sap save saved schema search section see
segment select selected send sent server service services session set several short should since some source specific
specified specify start state statement status step still string such support supported syntax system table target
technical temporarily text than that the their then there these they this those timeout to token too transaction trim
try two type unauthorized unexpected unique unknown unsupported until update updated upper url use used user uuid valid
validation value values version via view violated violation wait was web were when where which while with within without
workflow write written wrong xml you your
das dem den der des die ein eine für im in ist kein keine mit nicht oder und von wert zu
"""


@cache
def entity_words() -> frozenset[str]:
    """The names of C4C's entities and of their properties."""
    entities = standard().entities
    return frozenset({*entities, *(name for fields in entities.values() for name in fields)})


@cache
def ordinary() -> frozenset[str]:
    """Harmless words in small letters; a field's label consists of the words of its property's name."""
    words = {word.casefold() for name in entity_words() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    return frozenset({*words, *_REFUSING.split()})


def is_name(text: str) -> bool:
    """Whether the text is the name of a property, an entity or a collection, custom ones included."""
    plain = text.removesuffix("Collection")
    return (
        plain in entity_words()
        or re.fullmatch(r"[A-Za-z]\w*(_KUT|_SDK)|[A-Z]\w*[a-z](Code|ID|UUID)", plain) is not None
    )


CODE = re.compile(r"(?=\S*\d|/\S+/|\S*_\S*_)[A-Z0-9_/.:$-]{1,40}")
"""A code: capitals with a digit, between slashes, or with two underscores, which no person's name in capitals has."""


def names_nobody(word: str) -> bool:
    """Whether a word may be shown."""
    return word[:1].islower() or word.casefold() in ordinary() or is_name(word) or CODE.fullmatch(word) is not None
