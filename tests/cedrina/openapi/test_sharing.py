"""Parts that several operations have in common."""

from cedrina.openapi.sharing import rename_problems, share_bodies, share_headers, share_parameters, share_successes


def paths_of(**operations):
    """Return paths with one operation each, which has the name of its path as its id."""
    return {f"/{name}": {"get": {"operationId": name, **operation}} for name, operation in operations.items()}


def parameter(**schema):
    return {"in": "query", "name": "cursor", "schema": schema}


class TestShareParameters:
    def test_shares_what_several_have_and_leaves_what_one_has(self):
        paths = paths_of(
            a={"parameters": [parameter(type="string")]},
            b={"parameters": [parameter(type="string")]},
            c={"parameters": [parameter(type="integer")]},
        )
        assert share_parameters(paths) == {"cursor": parameter(type="string")}
        assert paths["/b"]["get"]["parameters"] == [{"$ref": "#/components/parameters/cursor"}]
        assert paths["/c"]["get"]["parameters"] == [parameter(type="integer")]

    def test_gives_the_short_name_to_what_is_used_most(self):
        rare, common = parameter(maxLength=9), parameter(type="string")
        paths = paths_of(**{name: {"parameters": [rare if name in "ab" else common]} for name in "abcde"})
        assert share_parameters(paths) == {"cursor": common, "a.cursor": rare}


class TestShareBodies:
    def test_names_them_by_their_schema_and_leaves_what_one_takes(self):
        def body(name):
            return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

        paths = paths_of(
            a={"requestBody": body("ReasonRequest")},
            b={"requestBody": body("ReasonRequest")},
            c={"requestBody": body("User")},
            d={},
        )
        assert share_bodies(paths) == {"Reason": body("ReasonRequest")}
        assert paths["/b"]["get"]["requestBody"] == {"$ref": "#/components/requestBodies/Reason"}
        assert paths["/c"]["get"]["requestBody"] == body("User")


class TestShareHeaders:
    def test_shares_what_several_have_and_leaves_what_one_has(self):
        number, text = {"schema": {"type": "integer"}}, {"schema": {"type": "string"}}
        shared = {"$ref": "#/components/headers/ETag"}
        paths = paths_of(
            a={"responses": {"200": {"headers": {"Version": number, "ETag": shared}}, "404": {"$ref": "x"}}},
            b={"responses": {"201": {"headers": {"Version": number}}}},
            c={"responses": {"200": {"headers": {"Cursor": text}}}},
        )
        assert share_headers(paths) == {"Version": number}
        version = {"$ref": "#/components/headers/Version"}
        assert paths["/a"]["get"]["responses"]["200"]["headers"] == {"Version": version, "ETag": shared}
        assert paths["/b"]["get"]["responses"]["201"]["headers"] == {"Version": version}
        assert paths["/c"]["get"]["responses"]["200"]["headers"] == {"Cursor": text}


class TestShareSuccesses:
    def test_names_them_by_their_schema(self):
        body = {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}}}
        empty = {"description": "No response body"}
        paths = paths_of(
            **{name: {"responses": {"200": dict(body), "204": dict(empty), "404": {"$ref": "x"}}} for name in "ab"}
        )
        assert share_successes(paths) == {"User": body, "NoContent": empty}
        assert paths["/b"]["get"]["responses"] == {
            "200": {"$ref": "#/components/responses/User"},
            "204": {"$ref": "#/components/responses/NoContent"},
            "404": {"$ref": "x"},
        }


class TestRenameProblems:
    def test_names_the_most_used_of_a_status_by_it_and_others_by_their_shortest_operation(self):
        def responses(name):
            return {"responses": {"409": {"$ref": f"#/components/responses/{name}"}}}

        paths = paths_of(
            change_email=responses("EmailTaken"),
            a=responses("EmailTaken"),
            **{name: responses("AlreadyExists") for name in "bcd"},
        )
        found = rename_problems(paths, {"EmailTaken": {"description": "e"}, "AlreadyExists": {"description": "a"}})
        assert found == {"409.a": {"description": "e"}, "409": {"description": "a"}}
        assert paths["/a"]["get"] == {"operationId": "a", **responses("409.a")}
        assert paths["/b"]["get"] == {"operationId": "b", **responses("409")}
