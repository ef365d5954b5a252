#!/usr/bin/perl
# SPDX-License-Identifier: EUPL-1.2
# make-test-mmdb.pl FOLDER: writes test.mmdb, flat.mmdb, v4.mmdb and foreign.mmdb there. Needs Debian's libmaxmind-db-writer-perl.
#
# Every network is for documentation (RFC 5737, RFC 3849), benchmarks (RFC 2544) or loopback, so the files describe nobody.
# The writer would drop such networks as reserved (remove_reserved_networks), and its output differs from run to run
# (build time, order of Perl's hashes): the files are committed, this script is run by hand. README.md has the table.
use strict;
use warnings;
use utf8;
use MaxMind::DB::Writer::Tree;

my $folder = shift or die "usage: $0 FOLDER\n";

# Block number N: IPv6 2001:db8:NN00::/40, IPv4 the Nth /20 of 198.18.0.0/15. [country, subdivision codes ...]
my @blocks = (
    [qw(FR IDF 75)], [qw(FR BRE 35)], [qw(FR ARA 69)], [qw(FR OCC 31)],    # 00
    [qw(FR 20R)],    ['FR'],          ['RE'],          ['GP'],             # 04
    ['MQ'],          [qw(DE BY)],     [qw(BE BRU)],    [qw(ES CT)],        # 08
    [qw(FR HDF)],    [qw(FR GES)],    [qw(FR NAQ)],    [qw(FR NOR)],       # 0c
    [qw(FR PDL)],    [qw(FR PAC 13)], [qw(FR BFC)],    [qw(FR CVL)],       # 10
    ['GF'],          ['YT'],          [qw(DE BE)],     [qw(IT 25)],        # 14
    [qw(PT 11)],     [qw(CH GE)],     ['LU'],          ['NC'],             # 18
    [qw(WF SG)],     ['registered', 'AT'], ['nothing'],                    # 1c
);
# Further IPv4 networks. The two halves of 198.51.100.0/24 tell whether an address was cut before it was looked up.
my @ipv4 = (
    [ '203.0.113.0/24',    qw(FR IDF 75) ],
    [ '198.51.100.0/25',   qw(FR BRE 35) ],
    [ '198.51.100.128/25', qw(FR 20R) ],
    [ '192.0.2.0/24',      qw(DE BY) ],
    [ '127.0.0.0/8',       qw(FR PAC 13) ],
);
# Flat layout: names as a free database spells them, some English, some older than the regions of 2016.
my @flat = (
    [ 'FR', 'Ile-de-France' ],      [ 'FR', 'Brittany' ],
    [ 'FR', 'Rhone-Alpes' ],        [ 'FR', 'Languedoc-Roussillon' ],
    [ 'FR', 'Corsica' ],            [ 'FR', 'Somewhere Else' ],
    [ 'RE', 'Saint-Denis' ],        [ 'GP', 'Basse-Terre' ],
    [ 'FR', 'Fort-de-France' ],     [ 'DE', 'Bavaria' ],
    [ 'BE', 'Brussels Capital' ],   [ 'FR', "Provence-Alpes-C\x{f4}te d'Azur" ],
    [ 'FR', 'New Aquitaine' ],      [ 'FR', 'Bourgogne' ],
    [ 'FR', "\x{ce}le-de-France" ], [ 'FR', 'Provence' ],
);

my %types = (
    continent => 'map', country => 'map', registered_country => 'map', subdivisions => [ 'array', 'map' ],
    code => 'utf8_string', iso_code => 'utf8_string', is_in_european_union => 'boolean', geoname_id => 'uint32',
    autonomous_system_number => 'uint32', country_code => 'utf8_string', state1 => 'utf8_string', city => 'utf8_string',
);

sub tree {
    my ($version, $type) = @_;
    return MaxMind::DB::Writer::Tree->new(
        ip_version => $version, record_size => 24, database_type => $type, languages => ['en'],
        description => { en => 'balise test data: documentation networks only' },
        remove_reserved_networks => 0,
        ( $version == 6 ? ( alias_ipv6_to_ipv4 => 1 ) : () ),
        map_key_type_callback => sub { $types{ $_[0] } },
    );
}

my %union = map { $_ => 1 } qw(FR DE BE ES IT PT LU AT GP MQ RE GF YT);

sub record {
    my ($country, @codes) = @_;
    return { continent => { code => 'EU' } } if $country eq 'nothing';
    return { registered_country => { iso_code => $codes[0] } } if $country eq 'registered';
    my %record = (
        country            => { iso_code => $country, is_in_european_union => $union{$country} ? 1 : 0 },
        registered_country => { iso_code => 'FR' },
    );
    $record{subdivisions} = [ map { { iso_code => $_ } } @codes ] if @codes;
    return \%record;
}

sub ipv6_of { sprintf '2001:db8:%x00::/40', $_[0] }
sub ipv4_of { sprintf '198.%d.%d.0/20', 18 + ( $_[0] >> 4 ), ( $_[0] & 15 ) << 4 }

sub save {
    my ($tree, $name) = @_;
    open my $file, '>:raw', "$folder/$name" or die "$folder/$name: $!\n";
    $tree->write_tree($file);
    close $file or die "$folder/$name: $!\n";
    print "$name: ", -s "$folder/$name", " bytes\n";
}

my $test = tree( 6, 'Balise-Test-City' );
my $flat = tree( 6, 'city ipvAll' );
my $v4   = tree( 4, 'Balise-Test-IPv4' );
for my $i ( 0 .. $#blocks ) {
    $test->insert_network( ipv6_of($i), record( @{ $blocks[$i] } ) );
    $test->insert_network( ipv4_of($i), record( @{ $blocks[$i] } ) );
}
for (@ipv4) {
    my ( $network, @place ) = @$_;
    $test->insert_network( $network, record(@place) );
    $v4->insert_network( $network, record(@place) );
}
for my $i ( 0 .. $#flat ) {
    my ( $country, $state ) = @{ $flat[$i] };
    my $record = { country_code => $country, state1 => $state, city => 'Ville' };
    $flat->insert_network( ipv6_of($i), $record );
    $flat->insert_network( ipv4_of($i), $record );
}
save( $test, 'test.mmdb' );
save( $flat, 'flat.mmdb' );
save( $v4,   'v4.mmdb' );

# A sound database of something else: numbers of networks (RFC 5398 keeps some for documentation), no country.
my $foreign = tree( 6, 'Balise-Test-ASN' );
$foreign->insert_network( '2001:db8::/32', { autonomous_system_number => 64496 } );
save( $foreign, 'foreign.mmdb' );
